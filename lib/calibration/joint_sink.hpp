// Two sinks for the rows of one pass.
#pragma once
#include "core/rows.hpp"

namespace toptheta {

// Sends every row to the first sink, then to the second, a few rows at a time: they are still in the
// second-level cache when the second sink reads them. Both must outlive this object.
class JointSink final : public RowSink {
 public:
  JointSink(RowSink& first, RowSink& second) : first_(first), second_(second) {}
  void add(const RowBlock& block) override;

 private:
  RowSink& first_;
  RowSink& second_;
};

}  // namespace toptheta
