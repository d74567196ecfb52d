"""What the text of an error says about its kind. Read by the trial process and by the launcher alike."""

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
