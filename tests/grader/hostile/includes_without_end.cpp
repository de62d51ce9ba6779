// Hostile: a source that has no end.
#include "/dev/zero"

int main() {}
