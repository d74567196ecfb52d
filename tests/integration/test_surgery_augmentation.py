"""The knob `augmentation` on live objects: random transforms do nothing, and draw what they would draw."""

import random

import numpy as np
import paddle
import pytest
from paddle.io import DataLoader, Dataset
from paddle.vision import transforms
from PIL import Image
from surgery_on_objects import changed, found, knobs, seed_all

PIXELS = np.random.default_rng(0).integers(0, 256, size=[12, 12, 3]).astype("uint8")
IMAGE = Image.fromarray(PIXELS)
MASK = IMAGE.convert("L")


class RandomNoise(transforms.BaseTransform):
    """A random transform of a program's own, which writes into what it gets."""

    def _apply_image(self, image):
        image.putpixel((0, 0), tuple(np.random.randint(0, 9, size=3)))
        return image


class RandomHalf(transforms.BaseTransform):
    def _apply_image(self, image):
        return image.resize((6, 6))


SAME_SIZE = {
    "RandomHorizontalFlip(prob=1.0)": lambda: transforms.RandomHorizontalFlip(1.0),
    "RandomVerticalFlip(prob=1)": lambda: transforms.RandomVerticalFlip(1),
    "RandomRotation(degrees=(-90, 90))": lambda: transforms.RandomRotation(90),
    "RandomAffine(degrees=[-90.0, 90.0])": lambda: transforms.RandomAffine(90),
    "RandomPerspective(prob=1.0)": lambda: transforms.RandomPerspective(1.0),
    "RandomErasing(prob=1.0)": lambda: transforms.RandomErasing(1.0, inplace=True),
    "ColorJitter(brightness=0.9)": lambda: transforms.ColorJitter(0.9, 0.9, 0.9, 0.4),
    "RandomNoise": RandomNoise,
}


def state():
    return (
        random.getstate(),
        np.random.get_state()[1].tobytes(),
        np.random.get_state()[2],
        paddle.get_rng_state()[0].current_seed(),
    )


@pytest.mark.parametrize("what", SAME_SIZE)
def test_a_random_transform_does_nothing_and_draws_as_before(what):
    seed_all()
    was = SAME_SIZE[what]()(IMAGE.copy())
    drawn = state()
    assert was != IMAGE
    with knobs(augmentation=False) as book:
        transform = transforms.Compose([SAME_SIZE[what]()])
        seed_all()
        assert transform(IMAGE.copy()) == IMAGE
        assert state() == drawn
    assert found(book, "augmentation") == changed(book, "augmentation") == {what: 1}
    assert all(part.where.startswith("integration/test_surgery_augmentation.py:") for part in book.changes)


@pytest.mark.parametrize("what", SAME_SIZE)
def test_null_finds_it_and_changes_nothing(what):
    seed_all()
    was = SAME_SIZE[what]()(IMAGE.copy())
    with knobs("augmentation") as book:
        seed_all()
        assert SAME_SIZE[what]()(IMAGE.copy()) == was
    assert found(book, "augmentation") == {what: 1}
    assert changed(book, "augmentation") == {}


@pytest.mark.parametrize(
    ("make", "by_hand"),
    [
        (lambda: transforms.RandomCrop(8), lambda: transforms.CenterCrop(8)),
        (lambda: transforms.RandomCrop(12, padding=2), lambda: lambda image: image),
        (lambda: transforms.RandomResizedCrop(6, scale=(0.1, 0.2)), lambda: transforms.Resize((6, 6))),
        (
            lambda: transforms.RandomResizedCrop((3, 6), scale=(0.1, 0.2)),
            lambda: transforms.Compose([transforms.CenterCrop((6, 12)), transforms.Resize((3, 6))]),
        ),
    ],
)
def test_a_random_crop_takes_the_centre_and_keeps_its_size(make, by_hand):
    expected = by_hand()(IMAGE)
    with knobs(augmentation=False) as book:
        transform = make()
        for seed in range(3):
            seed_all(seed)
            assert transform(IMAGE) == expected
    assert list(changed(book, "augmentation").values()) == [1]


def test_what_changes_nothing_is_not_recorded_as_changed():
    with knobs(augmentation=False) as book:
        transforms.RandomHorizontalFlip(0.0)(IMAGE)
        transforms.RandomVerticalFlip(1.0)  # never called
        transforms.Resize(6)(IMAGE)
        transforms.functional.hflip(IMAGE)
    assert changed(book, "augmentation") == {}
    assert set(found(book, "augmentation")) == {"RandomHorizontalFlip(prob=0.0)", "RandomVerticalFlip(prob=1.0)"}


def test_an_own_transform_that_gives_another_size_is_left_alone():
    with knobs(augmentation=False) as book:
        assert RandomHalf()(IMAGE).size == (6, 6)
    assert changed(book, "augmentation") == {}
    assert any("RandomHalf" in limit for limit in book.limits)


def test_images_and_masks_pass_together():
    with knobs(augmentation=False):
        image, mask = transforms.RandomHorizontalFlip(1.0, keys=("image", "image"))((IMAGE, MASK))
    assert (image, mask) == (IMAGE, MASK)


class Images(Dataset):
    def __init__(self, transform):
        self.transform = transform

    def __getitem__(self, index):
        return np.asarray(self.transform(IMAGE))

    def __len__(self):
        return 4


@pytest.mark.parametrize("num_workers", [0, 1])
def test_changes_in_a_loader_and_its_workers_are_seen_here(num_workers):
    with knobs(augmentation=False) as book:
        loader = DataLoader(Images(transforms.RandomHorizontalFlip(1.0)), batch_size=2, num_workers=num_workers)
        for batch in loader:
            assert all(np.array_equal(image, PIXELS) for image in batch.numpy())
    assert changed(book, "augmentation") == {"RandomHorizontalFlip(prob=1.0)": 1}
