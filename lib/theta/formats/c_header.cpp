#include "theta/formats/c_header.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "io/atomic_file.hpp"
#include "theta/formats/table_columns.hpp"
#include "theta/lookup.hpp"

namespace toptheta {

namespace {

constexpr std::size_t kPerLine = 12;

// Writes a C array whose elements are text(value) of each value.
template <class Values, class Text>
void write_array(AtomicFile& file, const char* type, const std::string& name, const Values& values,
                 Text text) {
  std::string lines =
      fmt::format("static const {} {}[{}] = {{", type, name, std::max<std::size_t>(values.size(), 1));
  if (values.empty()) lines += '0';  // C does not allow empty arrays
  for (std::size_t i = 0; i < values.size(); ++i) {
    lines += i % kPerLine == 0 ? "\n  " : " ";
    lines += text(values[i]);
    if (i + 1 < values.size()) lines += ',';
    if (lines.size() > (std::size_t{1} << 20)) {
      file.write(lines);
      lines.clear();
    }
  }
  file.write(lines + "};\n");
}

std::string integer_text(std::int64_t value) {
  return fmt::format("{}", value);
}

// A floating-point literal of C and C++.
template <class Real>
std::string real_text(Real value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}
std::string float_text(float value) {
  if (std::isinf(value)) return value > 0 ? "INFINITY" : "-INFINITY";  // beyond float
  return real_text(value) + "f";
}

std::string law_text(double value) {
  return std::isnan(value) ? "NAN" : real_text(value);
}

std::vector<double> exact_theta(const Target& target) {
  std::vector<double> theta;
  for (const auto& cell : target.cells)
    for (const ThresholdEntry& entry : cell)
      theta.push_back(entry.theta);
  return theta;
}

struct Entries {
  std::vector<std::int64_t> first = {0};
  std::vector<std::int32_t> length;
  std::vector<float> theta;
};

Entries entries_of(const Target& target) {
  Entries entries;
  for (const auto& cell : target.cells) {
    for (const ThresholdEntry& entry : cell) {
      entries.length.push_back(entry.length);
      entries.theta.push_back(rounded_down(entry.theta));
    }
    entries.first.push_back(static_cast<std::int64_t>(entries.length.size()));
  }
  return entries;
}

// The columns other than theta that a kernel may use.
std::vector<const ThresholdColumn*> kernel_columns() {
  std::vector<const ThresholdColumn*> columns;
  for (const ThresholdColumn& column : kThresholdColumns)
    if (column.for_kernels) columns.push_back(&column);
  return columns;
}

// The values of a column, -1 where not calibrated.
std::vector<float> floats_of_column(const ThresholdColumn& column, const Target& target) {
  std::vector<float> values;
  for (const auto& cell : target.cells)
    for (const ThresholdEntry& entry : cell) {
      const double value = column_value(entry, column);
      values.push_back(std::isnan(value) ? -1.0F : static_cast<float>(value));
    }
  return values;
}

std::string upper_case(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

// Text for a C comment, which it must not end.
std::string comment_text(const std::string& text) {
  std::string safe;
  for (const char c : text)
    safe += (c == '/' && safe.ends_with('*')) ? std::string(" /")
            : c == '\n'                       ? std::string(" ")
                                              : std::string(1, c);
  return safe;
}

constexpr const char* kLawComment = R"(
/* The law for rho of calibrated SDC, c0, c1 and c2 of each head; NAN = the head has none, and toptheta_rho holds.
   With c = layer * TOPTHETA_NUM_HEADS + head, a row of n keys that keeps n_kept of them has
     rho = exp(fmin(0, toptheta_rho_law[3 * c] + toptheta_rho_law[3 * c + 1] * log(n)
                         + toptheta_rho_law[3 * c + 2] * log(fmax(n_kept, 1)))). */
)";

constexpr const char* kLookup = R"(
/* The head's first entry of at least n keys; past its last one where there is none. */
static inline int64_t toptheta_entry_from(int layer, int head, int32_t n) {
  const int64_t begin = toptheta_first[layer * TOPTHETA_NUM_HEADS + head];
  const int64_t end = toptheta_first[layer * TOPTHETA_NUM_HEADS + head + 1];
  int64_t low = begin, high = end;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (toptheta_length[middle] < n)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The entry of the calibrated length nearest to n (a tie goes to the shorter), or -1 where the head has none. */
static inline int64_t toptheta_entry(int layer, int head, int32_t n) {
  const int64_t begin = toptheta_first[layer * TOPTHETA_NUM_HEADS + head];
  const int64_t end = toptheta_first[layer * TOPTHETA_NUM_HEADS + head + 1];
  const int64_t low = toptheta_entry_from(layer, head, n);
  if (begin == end) return -1;
  if (low == end) return end - 1;
  if (low == begin) return low;
  return toptheta_length[low] - n < n - toptheta_length[low - 1] ? low : low - 1;
}
)";

constexpr const char* kNearest = R"(
/* Keep the scores above this of a row of n keys; -INFINITY where everything is kept. */
static inline float toptheta_threshold(int layer, int head, int32_t n) {
  const int64_t entry = toptheta_entry(layer, head, n);
  const int64_t k = toptheta_head_k[layer * TOPTHETA_NUM_HEADS + head];
  if (k < 0 || n <= k || entry < 0) return -INFINITY;
  return toptheta_theta[entry];
}

#endif
)";

// Where entries stand for bins of lengths, the threshold is computed in double and then rounded down, as in
// ThresholdLookup.
constexpr const char* kBetweenBins = R"(
/* Keep the scores above this of a row of n keys; -INFINITY where everything is kept. Between the entries of two
   length bins it is interpolated. */
static inline float toptheta_threshold(int layer, int head, int32_t n) {
  const int64_t nearest = toptheta_entry(layer, head, n);
  const int64_t above = toptheta_entry_from(layer, head, n);
  const int64_t head_index = layer * TOPTHETA_NUM_HEADS + head;
  const int64_t k = toptheta_head_k[head_index];
  if (k < 0 || n <= k || nearest < 0) return -INFINITY;
  if (above == toptheta_first[head_index] || above == toptheta_first[head_index + 1] ||
      toptheta_length[above] == n)
    return toptheta_theta[nearest];
  const double from_below = n - toptheta_length[above - 1];
  const double weight = from_below / (toptheta_length[above] - toptheta_length[above - 1]);
  const double theta = (1 - weight) * toptheta_theta_exact[above - 1] + weight * toptheta_theta_exact[above];
  const float rounded = (float)theta;
  return (double)rounded > theta ? nextafterf(rounded, -INFINITY) : rounded;
}

#endif
)";

}  // namespace

void write_c_header(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  const Target& target = table.target(k);
  const Entries entries = entries_of(target);
  const TableMeta& meta = table.meta;
  AtomicFile file(path);
  file.write(fmt::format("/* Thresholds of top-theta attention for {}, k = {}.\n   {}\n*/\n",
                         comment_text(meta.model), format_k(target.k),
                         comment_text(meta.provenance.command)));
  file.write(
      "#ifndef TOPTHETA_THRESHOLDS_H\n#define TOPTHETA_THRESHOLDS_H\n#include <math.h>\n#include "
      "<stdint.h>\n\n");
  const auto define = [&](std::string_view name, std::int64_t value) {
    file.write(fmt::format("#define TOPTHETA_{} {}\n", name, value));
  };
  define("K", target.k == kDenseK ? -1 : target.k);
  define("NUM_LAYERS", meta.shape.num_layers);
  define("NUM_HEADS", meta.shape.num_heads);
  define("NUM_KV_HEADS", meta.shape.num_kv_heads);
  define("POST_SOFTMAX", meta.placement == Placement::post_softmax ? 1 : 0);
  if (meta.kept.first > 0) define("KEEP_FIRST", meta.kept.first);
  if (meta.kept.recent > 0) define("KEEP_RECENT", meta.kept.recent);
  if (meta.length_bins > 0) define("LENGTH_BINS", meta.length_bins);
  if (meta.placement == Placement::running_softmax) define("RUNNING_SOFTMAX", 1);
  for (const ThresholdColumn* column : kernel_columns())
    if (is_written(*column, target.cells))
      define("HAS_" + upper_case(column->name), has_value(*column, target.cells) ? 1 : 0);
  if (target.has_rho_laws()) define("HAS_RHO_LAW", 1);
  file.write("\n");
  write_array(file, "int64_t", "toptheta_layer_k", stored_k(target.layer_k), integer_text);
  std::vector<std::int64_t> head_k;
  head_k.reserve(target.cells.size());
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
    head_k.push_back(target.k_of(cell));
  write_array(file, "int64_t", "toptheta_head_k", stored_k(head_k), integer_text);
  write_array(file, "int64_t", "toptheta_first", entries.first, integer_text);
  write_array(file, "int32_t", "toptheta_length", entries.length, integer_text);
  write_array(file, "float", "toptheta_theta", entries.theta, float_text);
  if (meta.length_bins > 0)
    write_array(file, "double", "toptheta_theta_exact", exact_theta(target), real_text<double>);
  for (const ThresholdColumn* column : kernel_columns())
    if (has_value(*column, target.cells))
      write_array(file, "float", fmt::format("toptheta_{}", column->name), floats_of_column(*column, target),
                  float_text);
  if (target.has_rho_laws()) {
    file.write(kLawComment);
    write_array(file, "double", "toptheta_rho_law", stored_rho_laws(target), law_text);
  }
  file.write(kLookup);
  file.write(meta.length_bins > 0 ? kBetweenBins : kNearest);
  file.commit();
}

}  // namespace toptheta
