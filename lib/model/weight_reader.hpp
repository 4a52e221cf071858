// Tensors of a source as the norms and products of a model, each checked against the shape that the
// configuration asks for, and remembered as used.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "kernels/linear/linear.hpp"
#include "model/tensor_source.hpp"
#include "model/weights.hpp"

namespace toptheta {

class WeightReader {
 public:
  WeightReader(const TensorSource& source, const ModelConfig& config, Compute compute)
      : source_(source), config_(config), compute_(compute) {}

  // Some rows of a product, from one tensor.
  struct Part {
    TensorName name;
    std::int64_t rows = 0;
    std::vector<std::int64_t> order{};  // the tensor's row (and bias) for each of ours; empty: the same
    std::int64_t experts = 0;           // the tensor is [experts, rows, in]; 0: [rows, in]
    std::int64_t expert = 0;            // and these are the rows of one
    bool transposed = false;            // [in, rows]
    double scale = 1;                   // on weights and bias
  };
  // One product of the parts, stacked. Under Compute::q8, what the source stores as small integers is kept
  // so, and the rest rounded.
  [[nodiscard]] Linear product(const std::vector<Part>& parts, std::int64_t in) {
    return product(parts, in, compute_);
  }
  // The same in another precision.
  [[nodiscard]] Linear product(const std::vector<Part>& parts, std::int64_t in, Compute compute);
  // Empty where the name is.
  [[nodiscard]] std::vector<float> vector(const std::string& name, std::int64_t size);
  [[nodiscard]] NormWeights norm(const TensorName& name, std::int64_t size);
  // [rows, width]
  [[nodiscard]] std::vector<float> matrix(const std::string& name, std::int64_t rows, std::int64_t width);
  // The tensor of that shape, marked as used.
  const SourceTensor& require(const std::string& name, const std::vector<std::int64_t>& shape);
  // With or without the prefix that some checkpoints leave out; or null.
  [[nodiscard]] const SourceTensor* find(const std::string& name) const;
  [[nodiscard]] const std::set<std::string>& used() const { return used_; }
  [[nodiscard]] Compute compute() const { return compute_; }
  // Weights that are kept as the source's small integers.
  [[nodiscard]] std::int64_t kept_codes() const { return kept_codes_; }

 private:
  struct Piece;
  [[nodiscard]] Piece piece(const Part& part, std::int64_t in);
  void add_bias(const Part& part, bool any, std::vector<float>& bias);
  void read(const SourceTensor& tensor, std::int64_t first, std::int64_t count, float* out) const;
  void read_piece(const Piece& from, std::int64_t first, std::int64_t count, std::int64_t in,
                  float* out) const;
  [[nodiscard]] bool has_codes(const Piece& piece) const;
  void read_codes(const Piece& from, std::int64_t first, std::int64_t count, std::int64_t in,
                  const CodedRows& out) const;
  [[nodiscard]] std::int64_t code_group(const std::vector<Piece>& pieces, Compute compute) const;

  const TensorSource& source_;
  const ModelConfig& config_;
  Compute compute_;
  std::set<std::string> used_;
  std::int64_t kept_codes_ = 0;
};

}  // namespace toptheta
