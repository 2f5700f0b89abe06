from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "fastcounter._counters",
            ["fastcounter/_counters.pyx"],
            depends=["fastcounter/_internals.h", "fastcounter/_counters.pxd"],
        )
    ]
)
