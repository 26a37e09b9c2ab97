"""Two-person motion generation: motion files, networks, sampling, kinematics and training. Knows nothing of Blender.

Importing this package costs no more than numpy; torch is loaded with the first model.
"""

from __future__ import annotations

__version__ = "0.1.0"
