// Positions that attention always keeps (docs/method.md, "Positions kept in any case"): the two ends of a
// row. The policy chooses only among the keys between them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

namespace toptheta {

// For one row: how many keys at its beginning and at its end are always kept. The two together are at most
// the row's length.
struct RowEnds {
  std::size_t first = 0;
  std::size_t recent = 0;

  [[nodiscard]] bool any() const { return first + recent > 0; }
  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(first + recent); }
  template <typename T>
  [[nodiscard]] std::span<T> rest_of(std::span<T> row) const {
    return row.subspan(first, row.size() - first - recent);
  }
  // Calls visit(value) for each value of the row that is always kept.
  template <typename Visit>
  void for_each(std::span<const float> row, Visit visit) const {
    for (const float value : row.first(first))
      visit(value);
    for (const float value : row.last(recent))
      visit(value);
  }
};

// What the user asks for: the first `first` keys of the sequence, and the last `recent` keys up to and
// including the query's own.
struct KeptEnds {
  std::int64_t first = 0;
  std::int64_t recent = 0;

  [[nodiscard]] bool any() const { return first > 0 || recent > 0; }
  [[nodiscard]] std::int64_t count() const { return first + recent; }
  // The part of these that a row of n keys contains, where the row's first key is at position first_key. Keys
  // that count as `first` do not count as `recent` too.
  [[nodiscard]] RowEnds of_row(std::int64_t first_key, std::int64_t n) const {
    const std::int64_t seen = std::clamp<std::int64_t>(first - first_key, 0, n);
    return {static_cast<std::size_t>(seen), static_cast<std::size_t>(std::min(recent, n - seen))};
  }
  bool operator==(const KeptEnds&) const = default;
};

// "keep-first=4, keep-recent=64".
inline std::string describe(const KeptEnds& kept) {
  std::string text;
  if (kept.first > 0) text += "keep-first=" + std::to_string(kept.first);
  if (kept.recent > 0) text += (text.empty() ? "" : ", ") + ("keep-recent=" + std::to_string(kept.recent));
  return text;
}

}  // namespace toptheta
