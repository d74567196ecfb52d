from dataclasses import dataclass


@dataclass
class Config:
    epochs: int = 5
    lr: float = 0.1
    batch_size: int = 32
    seed: int = 1234
    drop_prob: float = 0.3
