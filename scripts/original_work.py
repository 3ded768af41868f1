"""A work of the original MusicVAE, done as often as lines are read; after each its processor time is printed.

    python scripts/original_work.py decode NAME BATCH STEPS
    python scripts/original_work.py train NAME BATCH STEPS

This needs a Python with TensorFlow 2.15 and Magenta, for example:

    pip install tensorflow-cpu==2.15.1 "numpy<2" tf_slim tensorflow_probability==0.23 decorator dm-tree
    pip install --no-deps magenta==2.1.4 note-seq==0.0.5
    pip install librosa pydub pretty_midi bokeh ipython "pandas<2.3" "scipy<1.14"

`scripts/benchmark_original.py` runs it. Weights are random, decodes are at a temperature of nearly 0.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from timed import HALFWAY, for_each_line

CLIP = 1.0  # norm of gradients

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["tensorflow_datasets"] = MagicMock()  # only read by what is not run here
for name in ("bool", "int", "float", "object"):  # as numpy was when Magenta was written
    setattr(np, name, getattr(builtins, name))


def prepared(kind: str, name: str, batch: int, steps: int) -> Callable[[], Any]:
    """What does the work once."""
    import tensorflow.compat.v1 as tf
    from magenta.models.music_vae import configs

    tf.disable_v2_behavior()
    config = configs.CONFIG_MAP[name]
    hparams, model, depth = config.hparams, config.model, config.data_converter.output_depth
    hparams.batch_size = batch
    model.build(hparams, depth, is_training=kind == "train")
    random = np.random.default_rng(0)
    step = tf.train.get_or_create_global_step()
    if kind == "decode":
        given = tf.constant(random.normal(size=(batch, hparams.z_size)), tf.float32)
        result = model.sample(batch, max_length=steps, z=given, temperature=1e-3)
    else:
        given = tf.constant(np.eye(depth)[random.integers(0, depth, (batch, steps))], tf.float32)
        optimizer = model.train(given, given, tf.constant([steps] * batch), None)
        gradients, variables = zip(*optimizer.compute_gradients(model.loss), strict=True)
        gradients, _ = tf.clip_by_global_norm(gradients, CLIP)
        result = optimizer.apply_gradients(zip(gradients, variables, strict=True), global_step=step)
    one = {"intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": 1}
    session = tf.Session(config=tf.ConfigProto(**one))
    session.run(tf.global_variables_initializer())
    step.load(HALFWAY, session)
    return lambda: session.run(result)


def main(kind: str, name: str, batch: str, steps: str) -> None:
    """Do it and say how long it took."""
    for_each_line(prepared(kind, name, int(batch), int(steps)))


if __name__ == "__main__":
    main(*sys.argv[1:])
