"""One epoch on photos of cats and dogs, read from their files, with Mica."""

import sys

import mica
from mica import layers
from mica.data import read_pictures

mica.set_seed(int(sys.argv[1]))
photos = read_pictures(sys.argv[2], size=(150, 150))
model = mica.Sequential(
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(128, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(128, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(512, activation="relu"),
    layers.Dense(2, activation="softmax"),
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(photos, batch_size=32, epochs=1, verbose=0)
print("plan", history.plan.note if history.plan else "")
print("accuracy", history.history["accuracy"][-1])
