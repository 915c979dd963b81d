"""JAX: a compiled function, its gradient, and a loop on the device."""

import hashlib
import os

# The programs beside it want memory too.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("XLA_FLAGS", "--xla_gpu_deterministic_ops=true")

import jax
import jax.numpy as jnp
import numpy as np


@jax.jit
def loss(weights: jax.Array, inputs: jax.Array) -> jax.Array:
    return jnp.mean(jnp.tanh(inputs @ weights) ** 2)


@jax.jit
def descend(weights: jax.Array, inputs: jax.Array) -> jax.Array:
    step = lambda _, values: values - 0.1 * jax.grad(loss)(values, inputs)
    return jax.lax.fori_loop(0, 50, step, weights)


def main() -> None:
    keys = jax.random.split(jax.random.key(1))
    weights = jax.random.normal(keys[0], (512, 512))
    inputs = jax.random.normal(keys[1], (256, 512))
    for _ in range(10):
        weights = descend(weights, inputs)
    values = np.asarray(weights)
    print("jax", hashlib.sha256(values.tobytes()).hexdigest()[:16])


main()
