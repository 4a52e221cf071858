// Cuts the rows of a product into tiles. Internal to kernels/linear.
#pragma once
#include <bit>
#include <cstdint>

namespace toptheta {

struct RowTile {
  std::int64_t first;
  int log_rows;
  [[nodiscard]] std::int64_t rows() const { return std::int64_t{1} << log_rows; }
};

// Tiles of 2^log_most rows; what is left is cut into powers of two, larger ones first.
class RowTiles {
 public:
  RowTiles(std::int64_t rows, int log_most) : rows_(rows), log_most_(log_most) {}
  [[nodiscard]] std::int64_t count() const {
    return full() + std::popcount(static_cast<std::uint64_t>(rows_ - (full() << log_most_)));
  }
  [[nodiscard]] RowTile operator[](std::int64_t index) const {
    if (index < full()) return {index << log_most_, log_most_};
    std::int64_t first = full() << log_most_;
    auto rest = static_cast<std::uint64_t>(rows_ - first);
    for (index -= full();; --index) {
      const std::uint64_t largest = std::bit_floor(rest);
      if (index == 0) return {first, std::countr_zero(largest)};
      first += static_cast<std::int64_t>(largest);
      rest -= largest;
    }
  }

 private:
  [[nodiscard]] std::int64_t full() const { return rows_ >> log_most_; }
  std::int64_t rows_;
  int log_most_;
};

}  // namespace toptheta
