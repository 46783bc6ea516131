// A shared object, but no module of kvmesh.

extern "C" int something_else() { return 0; }
