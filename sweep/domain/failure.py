"""What an error's text says about its kind. Used by the trial process and the launcher."""

from sweep.domain.states import FailureClass

OUT_OF_MEMORY = (
    "MemoryError",
    "std::bad_alloc",
    "Cannot allocate memory",
    "ResourceExhaustedError",  # Paddle, host and GPU
    "Out of memory error on GPU",  # Paddle
    "CUDA out of memory",  # PyTorch
    "CUDA error: out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
)


def says_out_of_memory(text: str) -> bool:
    """Return whether an error's text means that host or GPU memory ran out."""
    return any(phrase in text for phrase in OUT_OF_MEMORY)


def shown_failure(word: str) -> str:
    """Return the display name of a failure class, state or verdict."""
    return "machine failure" if word == FailureClass.INFRA else word.replace("_", " ")


def ending_text(kind: str, message: str | None) -> str:
    """Return how a run ended, without repetition: `crash: KeyError: 'x'`, `killed by SIGTERM`."""
    kind, message = shown_failure(kind), message or ""
    parts = [message] if message.startswith(kind) else [kind, message]
    return ": ".join(part for part in parts if part)
