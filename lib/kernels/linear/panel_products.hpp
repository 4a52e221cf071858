// oneDNN's products of a tile of rows with one panel of weights or with all panels. Internal to
// kernels/linear.
#pragma once
#include <compare>
#include <cstdint>

namespace toptheta {

// Rows are cut into tiles of 2^8 rows and the rest into smaller powers of two, so that a few planned products
// serve any number of rows.
inline constexpr int kLogMaxTileRows = 8;

struct PanelKind {
  std::int64_t in = 0;      // rows of the panel
  std::int64_t stride = 0;  // from one row of y to the next
  bool bf16 = false;        // x and panel are bfloat16; y and the sums are still floats
  bool whole = false;       // all panels, that is all `stride` columns of y, instead of one
  auto operator<=>(const PanelKind&) const = default;
};

class PanelProducts {
 public:
  // The products of a kind. They are planned at the first call and kept, so that the layers of a model share
  // them. Null where oneDNN has only its slow reference loop on this processor. For bf16 that is where the
  // processor does not multiply bfloat16 or the panel's rows do not fill blocks of 32; for all panels, where
  // oneDNN has no kernel for our layout (which needs AVX-512) or the last panel is not full. With all panels
  // at once, the result of a row is the same to the bit in tiles of any size.
  static const PanelProducts* fast(const PanelKind& kind);
  // The same for floats and one panel, even where it is slow.
  static const PanelProducts& any(std::int64_t in, std::int64_t stride);

  virtual ~PanelProducts() = default;
  PanelProducts(const PanelProducts&) = delete;
  PanelProducts& operator=(const PanelProducts&) = delete;

  // y[r][c] = sum over i of x[r][i] * panel[i][c] (y[r][c] += ... if `add`) for 2^log_rows rows, on one
  // thread. Panels as in matrix_vector.hpp: [in][64], or pairs of rows in bfloat16 [in / 2][64].
  virtual void run(int log_rows, bool add, const void* x, const void* panel, float* y) const = 0;

 protected:
  PanelProducts() = default;
};

}  // namespace toptheta
