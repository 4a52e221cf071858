#include <algorithm>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

// Calls change(word, bits of the word in [first, last)) for each word.
template <class Change>
void for_each_word(std::int64_t first, std::int64_t last, const Change& change) {
  while (first < last) {
    const std::int64_t end = std::min((first / 64 + 1) * 64, last);
    const auto count = static_cast<unsigned>(end - first);
    const std::uint64_t ones = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    change(first / 64, ones << (first % 64));
    first = end;
  }
}

}  // namespace

void KeptRows::keep(std::int64_t r, std::int64_t first, std::int64_t last) {
  for_each_word(first, last, [&](std::int64_t word, std::uint64_t ones) {
    bits_[static_cast<std::size_t>(r * words_ + word)] |= ones;
  });
}

void KeptRows::drop(std::int64_t r, std::int64_t first, std::int64_t last) {
  for_each_word(first, last, [&](std::int64_t word, std::uint64_t ones) {
    bits_[static_cast<std::size_t>(r * words_ + word)] &= ~ones;
  });
}

}  // namespace toptheta
