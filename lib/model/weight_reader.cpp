#include "model/weight_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/parallel.hpp"

namespace toptheta {

namespace {

std::string shown(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

constexpr std::int64_t kRowsAtOnce = 64;

}  // namespace

// A part whose tensor has been found and checked, ready to be read.
struct WeightReader::Piece {
  const SourceTensor* tensor = nullptr;
  Part part;
  std::vector<float> columns{};  // a transposed tensor's: [in, rows]

  [[nodiscard]] std::int64_t stored(std::int64_t row) const {
    return part.order.empty() ? row : part.order[static_cast<std::size_t>(row)];
  }
  // Calls read(row, stored, run) for rows of the piece, once for each run of rows that are neighbours in the
  // tensor.
  template <class Read>
  void in_runs(std::int64_t first, std::int64_t count, const Read& read) const {
    for (std::int64_t r = 0; r < count;) {
      const std::int64_t from = stored(first + r);
      std::int64_t run = 1;
      while (r + run < count && stored(first + r + run) == from + run)
        ++run;
      read(r, from, run);
      r += run;
    }
  }
};

void WeightReader::read(const SourceTensor& tensor, std::int64_t first, std::int64_t count,
                        float* out) const {
  if (source_.read_rows(tensor, first, count, out)) return;
  const std::int64_t width = tensor.row_size();
  const float* const end = out + count * width;
  const float* const bad = std::find_if(out, out + count * width, [](float v) { return !std::isfinite(v); });
  if (bad == end) return;
  const std::int64_t at = bad - out;
  throw InputError({.where = tensor.where,
                    .what = "a weight is not a finite number",
                    .expected = "finite numbers",
                    .found = fmt::format("{} at row {}, column {}", *bad, first + at / width, at % width),
                    .next = "the file is damaged, or training diverged: get the checkpoint again"});
}

const SourceTensor* WeightReader::find(const std::string& name) const {
  if (const SourceTensor* tensor = source_.find(name)) return tensor;
  const std::string& prefix = config_.tensors.prefix;
  if (prefix.empty() || name.compare(0, prefix.size(), prefix) != 0) return nullptr;
  return source_.find(name.substr(prefix.size()));
}

const SourceTensor& WeightReader::require(const std::string& name, const std::vector<std::int64_t>& shape) {
  const SourceTensor* tensor = find(name);
  if (tensor == nullptr)
    throw InputError({.where = fmt::format("{}: tensor '{}'", source_.where(), name),
                      .what = "missing tensor",
                      .expected = shown(shape),
                      .found = fmt::format("{} other tensors", source_.names().size()),
                      .next = "check that the configuration belongs to these weights"});
  if (tensor->shape != shape)
    throw InputError({.where = tensor->where,
                      .what = "wrong shape",
                      .expected = shown(shape),
                      .found = shown(tensor->shape),
                      .next = "check that the configuration belongs to these weights"});
  used_.insert(tensor->name);
  return *tensor;
}

std::vector<float> WeightReader::vector(const std::string& name, std::int64_t size) {
  if (name.empty()) return {};
  const SourceTensor& tensor = require(name, {size});
  std::vector<float> values(static_cast<std::size_t>(size));
  read(tensor, 0, 1, values.data());
  return values;
}

NormWeights WeightReader::norm(const TensorName& name, std::int64_t size) {
  NormWeights norm{vector(name.weight, size), vector(name.bias, size)};
  for (float& weight : norm.weight)
    weight += static_cast<float>(config_.norms.weight_offset);
  return norm;
}

std::vector<float> WeightReader::matrix(const std::string& name, std::int64_t rows, std::int64_t width) {
  if (name.empty()) return {};
  const SourceTensor& tensor = require(name, {rows, width});
  std::vector<float> values(static_cast<std::size_t>(rows * width));
  parallel_for((rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](std::int64_t tile) {
    const std::int64_t first = tile * kRowsAtOnce;
    read(tensor, first, std::min(kRowsAtOnce, rows - first), values.data() + first * width);
  });
  return values;
}

WeightReader::Piece WeightReader::piece(const Part& part, std::int64_t in) {
  std::vector<std::int64_t> shape = part.transposed ? std::vector{in, part.rows} : std::vector{part.rows, in};
  if (part.experts > 0) shape.insert(shape.begin(), part.experts);
  Piece piece{&require(part.name.weight, shape), part};
  if (!part.transposed) return piece;
  piece.columns.resize(static_cast<std::size_t>(part.rows * in));
  parallel_for((in + kRowsAtOnce - 1) / kRowsAtOnce, [&](std::int64_t tile) {
    const std::int64_t first = tile * kRowsAtOnce;
    read(*piece.tensor, part.expert * in + first, std::min(kRowsAtOnce, in - first),
         piece.columns.data() + first * part.rows);
  });
  return piece;
}

void WeightReader::add_bias(const Part& part, bool any, std::vector<float>& bias) {
  const auto rows = static_cast<std::size_t>(part.rows);
  if (part.name.bias.empty()) {
    if (any) bias.resize(bias.size() + rows);
    return;
  }
  std::vector<float> stored(rows);
  if (part.experts > 0)
    read(require(part.name.bias, {part.experts, part.rows}), part.expert, 1, stored.data());
  else
    stored = vector(part.name.bias, part.rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t from = part.order.empty() ? r : static_cast<std::size_t>(part.order[r]);
    bias.push_back(static_cast<float>(part.scale * static_cast<double>(stored[from])));
  }
}

void WeightReader::read_piece(const Piece& from, std::int64_t first, std::int64_t count, std::int64_t in,
                              float* out) const {
  const Part& part = from.part;
  from.in_runs(first, count, [&](std::int64_t r, std::int64_t stored, std::int64_t run) {
    if (!part.transposed) return read(*from.tensor, part.expert * part.rows + stored, run, out + r * in);
    for (std::int64_t j = 0; j < run; ++j)
      for (std::int64_t i = 0; i < in; ++i)
        out[(r + j) * in + i] = from.columns[static_cast<std::size_t>(i * part.rows + stored + j)];
  });
  if (part.scale == 1) return;
  for (std::int64_t i = 0; i < count * in; ++i)
    out[i] = static_cast<float>(part.scale * static_cast<double>(out[i]));
}

bool WeightReader::has_codes(const Piece& piece) const {
  return !piece.part.transposed && source_.code_group(*piece.tensor) > 0;
}

void WeightReader::read_codes(const Piece& from, std::int64_t first, std::int64_t count, std::int64_t in,
                              const CodedRows& out) const {
  const Part& part = from.part;
  if (!has_codes(from)) {
    std::vector<float> rows(static_cast<std::size_t>(count * in));
    read_piece(from, first, count, in, rows.data());
    return code_rows(rows.data(), count, in, out);
  }
  from.in_runs(first, count, [&](std::int64_t r, std::int64_t stored, std::int64_t run) {
    const std::int64_t row = part.expert * part.rows + stored;
    if (source_.read_codes(*from.tensor, row, run, out.from(r, in))) return;
    std::vector<float> rows(static_cast<std::size_t>(run * in));
    read(*from.tensor, row, run, rows.data());  // throws, naming the place
  });
  for (std::int64_t i = 0; part.scale != 1 && i < count * in / out.group; ++i)
    for (float* const number : {out.scales + i, out.offsets + i})
      *number = static_cast<float>(part.scale * static_cast<double>(*number));
}

// The size of the groups in which the product keeps codes; 0 if no piece has codes.
std::int64_t WeightReader::code_group(const std::vector<Piece>& pieces, Compute compute) const {
  std::int64_t group = 0;
  for (const Piece& piece : pieces)
    if (compute == Compute::q8 && has_codes(piece))
      group = std::min(group == 0 ? kCodeBlock : group, source_.code_group(*piece.tensor));
  return group;
}

Linear WeightReader::product(const std::vector<Part>& parts, std::int64_t in, Compute compute) {
  std::vector<Piece> pieces;
  std::vector<float> bias;
  std::int64_t out = 0;
  const bool any_bias =
      std::any_of(parts.begin(), parts.end(), [](const Part& p) { return !p.name.bias.empty(); });
  for (const Part& part : parts) {
    pieces.push_back(piece(part, in));
    add_bias(part, any_bias, bias);
    out += part.rows;
  }
  // Calls use(piece, its first row, count, row of the product - first) for the pieces that these rows come
  // from.
  const auto of_pieces = [&](std::int64_t first, std::int64_t count, const auto& use) {
    std::int64_t begin = 0;  // the piece's first row in the product
    for (const Piece& from : pieces) {
      const std::int64_t low = std::max(first, begin);
      const std::int64_t high = std::min(first + count, begin + from.part.rows);
      if (low < high) use(from, low - begin, high - low, low - first);
      begin += from.part.rows;
    }
  };
  if (const std::int64_t group = code_group(pieces, compute); group > 0) {
    for (const Piece& from : pieces)
      if (has_codes(from)) kept_codes_ += from.part.rows * in;
    const auto read_rows = [&](std::int64_t first, std::int64_t count, const CodedRows& to) {
      of_pieces(first, count, [&](const Piece& from, std::int64_t row, std::int64_t rows, std::int64_t at) {
        read_codes(from, row, rows, in, to.from(at, in));
      });
    };
    return {read_rows, group, out, in, bias};
  }
  const auto read_rows = [&](std::int64_t first, std::int64_t count, float* to) {
    of_pieces(first, count, [&](const Piece& from, std::int64_t row, std::int64_t rows, std::int64_t at) {
      read_piece(from, row, rows, in, to + at * in);
    });
  };
  return {read_rows, out, in, bias, compute};
}

}  // namespace toptheta
