// Reads the tensors of a source as norms and matrix products of a model. Each tensor is checked against the
// shape that the configuration implies, and recorded as used. All functions throw InputError, naming file and
// tensor, for tensors that are missing, of another shape, or not finite.
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

  // Rows of a product that come from one tensor.
  struct Part {
    TensorName name;
    std::int64_t rows = 0;
    std::vector<std::int64_t> order{};  // each row's place (and its bias's) in the tensor; empty: the same
    std::int64_t experts = 0;           // if above 0, the tensor is [experts, rows, in], else [rows, in]
    std::int64_t expert = 0;            // the expert whose rows these are
    bool transposed = false;            // the tensor (or the expert's part of it) is [in, rows]
    double scale = 1;                   // multiplies weights and bias
  };
  // One product made of the parts, stacked. Under Compute::q8, tensors that the source stores as small
  // integers are kept so, and others are rounded.
  [[nodiscard]] Linear product(const std::vector<Part>& parts, std::int64_t in) {
    return product(parts, in, compute_);
  }
  // The same with another precision than the reader's.
  [[nodiscard]] Linear product(const std::vector<Part>& parts, std::int64_t in, Compute compute);
  // A vector, a norm, or a matrix [rows, width]; empty if the name is empty.
  [[nodiscard]] std::vector<float> vector(const std::string& name, std::int64_t size);
  [[nodiscard]] NormWeights norm(const TensorName& name, std::int64_t size);
  [[nodiscard]] std::vector<float> matrix(const std::string& name, std::int64_t rows, std::int64_t width);
  // The tensor, which must have this shape; marks it as used.
  const SourceTensor& require(const std::string& name, const std::vector<std::int64_t>& shape);
  // The tensor, with or without the prefix that some checkpoints leave out; null if there is none.
  [[nodiscard]] const SourceTensor* find(const std::string& name) const;
  [[nodiscard]] const std::set<std::string>& used() const { return used_; }
  [[nodiscard]] Compute compute() const { return compute_; }
  // How many weights are kept as the source's small integers.
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
