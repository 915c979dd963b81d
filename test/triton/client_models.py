"""What the client asks the models of the tests, and how it judges their answers."""

import threading

import numpy as np
import tritonclient.grpc as triton

REQUEST_TIMEOUT_S = 60
# A bert model gets this many different inputs in turn.
INPUTS = 8
# Words of BERT's vocabulary.
VOCABULARY = 30522


def compute_chain(seed, launches):
    """What the chain of kernels makes of a number: each one mixes its own number in."""
    word = seed
    for number in range(launches):
        word = (word * 31 + number) % 2**32
    return word


class Model:
    """A model of the server, through one connection."""

    def __init__(self, client, name):
        self._client = client
        self._name = name

    def send(self, inputs):
        """Sends a request and waits for its answer."""
        return self._client.infer(self._name, inputs, client_timeout=REQUEST_TIMEOUT_S)


class ChainModel(Model):
    """A chain of timed kernels: the answer to each number can be computed."""

    def __init__(self, client, name, launches):
        super().__init__(client, name)
        self._launches = launches

    def through(self, client):
        """The same model through another connection."""
        return ChainModel(client, self._name, self._launches)

    def _seed(self, index):
        return (index * 2654435761 + 12345) % 2**32

    def prepare(self, index):
        """The inputs of the request with this index."""
        seed = triton.InferInput("SEED", [1], "UINT32")
        seed.set_data_from_numpy(np.array([self._seed(index)], dtype=np.uint32))
        return [seed]

    def check(self, index, result):
        """What is wrong with an answer; None if nothing is."""
        seed = self._seed(index)
        answer, wanted = int(result.as_numpy("RESULT")[0]), compute_chain(seed, self._launches)
        if answer == wanted:
            return None
        return f"the answer to {seed} is {answer} instead of {wanted}"

    def write_expected(self, file):
        """Nothing to write: the right answers are known without the model."""


class BertModel(Model):
    """A real BERT: the same input must have the same answer, to the byte, whenever it is asked."""

    def __init__(self, client, name, requests, known):
        super().__init__(client, name)
        self._requests = requests
        self._known = known

    def through(self, client):
        """The same model through another connection; what is known of its answers is shared."""
        return BertModel(client, self._name, self._requests, self._known)

    def prepare(self, index):
        """The inputs of the request with this index."""
        return self._requests[index % INPUTS]

    def check(self, index, result):
        """What is wrong with an answer; None if nothing is."""
        number = index % INPUTS
        logits = result.as_numpy("logits")
        if logits is None or logits.size == 0:
            return f"the answer to input {number} has no logits"
        if not np.isfinite(logits).all():
            return f"the answer to input {number} has numbers that are not finite"
        wanted, source = self._known.look_up(number, logits)
        if wanted.shape == logits.shape and wanted.tobytes() == logits.tobytes():
            return None
        return f"the answer to input {number} differs from {source}: {difference(wanted, logits)}"

    def write_expected(self, file):
        """Writes the answers to the inputs that were asked, for --expect of another run."""
        self._known.write(file)


def difference(wanted, logits):
    """How two answers differ, in words."""
    if wanted.shape != logits.shape:
        return f"its shape is {logits.shape} instead of {wanted.shape}"
    distance = np.abs(logits.astype(np.float64) - wanted)
    count = np.count_nonzero(distance)
    return f"{count} of {logits.size} numbers, by up to {distance.max():.3g}"


class KnownAnswers:
    """The answer to each input: from a file, else the first that came."""

    def __init__(self, file):
        self._lock = threading.Lock()
        self._answers = {}
        self._file = file
        if file is not None:
            with np.load(file) as arrays:
                self._answers = {int(name): arrays[name] for name in arrays.files}
        self._from_file = set(self._answers)

    def look_up(self, number, logits):
        """The answer to this input, which may be the given one if it is the first, and its source."""
        with self._lock:
            wanted = self._answers.setdefault(number, logits)
        return wanted, self._file if number in self._from_file else "the first one of this run"

    def write(self, file):
        """Writes all answers; the names of the arrays are the numbers of the inputs."""
        with open(file, "wb") as target:
            np.savez(target, **{str(number): array for number, array in self._answers.items()})


def make_requests(metadata, name):
    """The fixed inputs of a bert model."""
    shape = [int(size) for size in metadata["inputs"][0]["shape"]]
    if min(shape) < 1:
        raise SystemExit(f"{name} has input_ids of the shape {shape}: fixed sizes are needed")
    requests = []
    for number in range(INPUTS):
        ids = np.random.default_rng(number).integers(0, VOCABULARY, size=shape, dtype=np.int32)
        tensor = triton.InferInput("input_ids", shape, "INT32")
        tensor.set_data_from_numpy(ids)
        requests.append([tensor])
    return requests


def open_model(client, name, expected=None):
    """Finds out which kind of model it is by the names of its inputs."""
    metadata = client.get_model_metadata(name, as_json=True)
    inputs = [tensor["name"] for tensor in metadata["inputs"]]
    if inputs == ["SEED"]:
        config = client.get_model_config(name, as_json=True)["config"]
        return ChainModel(client, name, int(config["parameters"]["launches"]["string_value"]))
    if inputs == ["input_ids"]:
        return BertModel(client, name, make_requests(metadata, name), KnownAnswers(expected))
    raise SystemExit(f"{name} has the inputs {', '.join(inputs)}: neither SEED nor input_ids")
