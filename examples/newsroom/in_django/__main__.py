"""``python -m examples.newsroom.in_django``: Django's own commands."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.newsroom.in_django.settings")
execute_from_command_line(["python -m examples.newsroom.in_django", *sys.argv[1:]])
