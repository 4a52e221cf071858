// A filter between a forward pass and a sink that lets rows of some lengths through.
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

  // From now on, passes on the rows of these lengths only.
  void select(std::span<const std::int32_t> lengths);
  // From now on, passes on all rows.
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
