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
  // One product of the parts, stacked.
  [[nodiscard]] Linear product(const std::vector<Part>& parts, std::int64_t in);
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

 private:
  struct Piece;
  [[nodiscard]] Piece piece(const Part& part, std::int64_t in);
  void add_bias(const Part& part, bool any, std::vector<float>& bias);
  void read(const SourceTensor& tensor, std::int64_t first, std::int64_t count, float* out) const;

  const TensorSource& source_;
  const ModelConfig& config_;
  Compute compute_;
  std::set<std::string> used_;
};

}  // namespace toptheta
