"""Generation without a window: from a prompt or a job file to .blend, .npz, BVH and a film.

``python -m intermask_blender.batch ARGS`` with Blender as a module, or
``blender -b [scene.blend] --python intermask_blender/batch.py -- ARGS``. ``--help`` lists the arguments. The exit code
is 0 when every job went well, 1 when one failed, 2 when the arguments are wrong.
"""

from __future__ import annotations
