#!/bin/sh
# Cargo's wrapper for the crates of the workspace, and only those: the dependencies stay as they are and are not built again.
exec "$@" -Cinstrument-coverage
