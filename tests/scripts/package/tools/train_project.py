import os.path as osp
import sys

sys.path.insert(0, osp.join(osp.dirname(osp.abspath(__file__)), ".."))

from project import Engine  # noqa: E402
from project.config import Config  # noqa: E402

if __name__ == "__main__":
    engine = Engine(Config(epochs=3, lr=0.05))
    engine.train()
    engine.save("output/model")
