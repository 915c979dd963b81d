/* What the driver's headers need of this one: so that they can be read where it is missing. */
