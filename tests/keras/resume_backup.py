"""Real Keras goes on from a backup folder: python resume_backup.py FOLDER EPOCHS. Prints the epochs that were trained."""

import sys

import keras
import numpy as np

folder, epochs = sys.argv[1], int(sys.argv[2])
net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
net.compile(keras.optimizers.SGD(0.5), "mse")
backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
history = net.fit(np.zeros((8, 2)), np.zeros((8, 1)), epochs=epochs, callbacks=[backup], verbose=0)
print(history.epoch, int(net.optimizer.iterations.numpy()))
