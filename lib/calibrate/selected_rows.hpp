// Passes on some rows of what a forward pass streams.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/rows.hpp"

namespace toptheta {

class SelectedRows final : public RowSink {
 public:
  // `sink` must outlive this object.
  explicit SelectedRows(RowSink& sink) : sink_(sink) {}

  // From here on: the rows of these lengths.
  void select(std::span<const std::int32_t> lengths);
  // From here on: all rows.
  void select_all() { wanted_.clear(); }

  void add(const RowBlock& block) override;

 private:
  [[nodiscard]] bool is_wanted(std::int32_t length) const {
    return wanted_.empty() ||
           (static_cast<std::size_t>(length) < wanted_.size() && wanted_[static_cast<std::size_t>(length)]);
  }

  RowSink& sink_;
  std::vector<bool> wanted_;  // by length; empty: all
};

}  // namespace toptheta
