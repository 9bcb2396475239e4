"""MNIST by a convnet until 99.0 percent of the test part are right, with Mica."""

import sys

import mica
from mica import layers
from mica.data import samples

mica.set_seed(int(sys.argv[1]))
digits = samples.load("mnist")
model = mica.Sequential(
    mica.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, activation="relu"),
    layers.Flatten(),
    layers.Dense(64, activation="relu"),
    layers.Dense(10, activation="softmax"),
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])


class Goal(mica.Callback):
    """Ends the training when enough digits are right."""

    def on_train_begin(self, state):
        """Say the plan."""
        print("plan", state.plan_line)

    def on_epoch_end(self, state):
        """Look at the test part."""
        accuracy = state.logs["val_accuracy"]
        print("accuracy", accuracy)
        if accuracy >= 0.99:
            state.stop("it is good enough")


model.fit(
    digits.x_train,
    digits.y_train,
    batch_size=64,
    epochs=10,
    validation_data=(digits.x_test, digits.y_test),
    callbacks=[Goal()],
    verbose=0,
)
