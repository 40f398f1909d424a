import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(400, 12)).astype("float32")
y = x[:, :4].argmax(1)
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(4, activation="softmax")])
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x, y, epochs=2, batch_size=32, verbose=0)
