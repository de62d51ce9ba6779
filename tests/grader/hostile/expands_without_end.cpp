// Hostile: asks the compiler for more than there is: two to the power of a million types.
template <unsigned long N>
struct Tree {
    Tree<N - 1> left;
    Tree<N - 2> right;
};
template <>
struct Tree<0> {};
template <>
struct Tree<1> {};

constexpr unsigned long count(unsigned long depth) {
    return depth == 0 ? 1 : count(depth - 1) + count(depth - 1);
}
constinit unsigned long forever = count(60);
char huge[8UL << 30] = {1};

int main() {
    return sizeof(Tree<800>) > 1 ? 0 : huge[forever];
}
