// oneDNN's products of a tile of rows with a panel of weights, or with all panels. Only kernels/linear.cpp
// includes this.
#pragma once
#include <compare>
#include <cstdint>

namespace toptheta {

// Rows are cut into tiles of 256 and the rest into powers of two, so that a handful of products serves any
// row count.
inline constexpr int kLogMaxTileRows = 8;

struct PanelKind {
  std::int64_t in = 0;      // rows of the panel
  std::int64_t stride = 0;  // from one row of y to the next
  bool bf16 = false;        // x and panel in bfloat16; y and the sums are fp32 all the same
  bool whole = false;       // all panels of y, stride columns, instead of one
  auto operator<=>(const PanelKind&) const = default;
};

class PanelProducts {
 public:
  // Planned at the first call for a kind, and kept: the layers of a model share them. Null where oneDNN has
  // only its plain reference loop for it here: for bf16, where the processor does not multiply bfloat16 or
  // the panel's rows do not fill blocks of 32; for all panels, where it has no kernel for our layout (that
  // takes AVX-512) or the last one is not full. Where there are products with all panels, a row's are the
  // same to the bit in a tile of any number of rows.
  static const PanelProducts* fast(const PanelKind& kind);
  // The same in fp32, be it slow.
  static const PanelProducts& any(std::int64_t in, std::int64_t stride);

  virtual ~PanelProducts() = default;
  PanelProducts(const PanelProducts&) = delete;
  PanelProducts& operator=(const PanelProducts&) = delete;

  // y[r][c] (+)= sum over i of x[r][i] * panel[i][c] for 2^log_rows rows, single-threaded. Panels as in
  // matrix_vector.hpp: [in][64], bf16 pairs of rows [in / 2][64].
  virtual void run(int log_rows, bool add, const void* x, const void* panel, float* y) const = 0;

 protected:
  PanelProducts() = default;
};

}  // namespace toptheta
