"""Costs that are easy to follow, and near those that are measured."""

from __future__ import annotations

from ops.scale.costs import Costs

COSTS = Costs(
    connection_bytes=2_000,
    connect_s=500e-6,
    frame_s=8e-6,
    extra_s=0.1e-6,
    worker_bytes=60e6,
    wake_s=1e-3,
    item_s=60e-6,
    hub_s=10e-6,
    publish_s=1e-3,
    write_s=2e-3,
    write_item_s=200e-6,
    stream_s=250e-6,
    stream_item_s=60e-6,
    passed_s=10e-6,
    path_s=8e-3,
)
