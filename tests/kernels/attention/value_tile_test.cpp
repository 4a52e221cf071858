// Weighted sums of a tile's V rows against plain loops in double precision.
#include "kernels/attention/value_tile.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.hpp"
#include "kernels/rows/int8_row.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;

TEST_CASE("sums over all V rows of a tile are those of double precision, in every form of V",
          "[kernels][tiles]") {
  testing::at_every_instruction_set([] {
    for (const KvType type : {KvType::f32, KvType::f16, KvType::bf16, KvType::int8})
      for (const std::int64_t dim : {4, 12, 64, 132})
        for (const std::int64_t rows : {1, 5, 48})
          for (const std::int64_t keys : {1, 95, 96, 97, 512}) {
            Random random(11);
            const std::int64_t stride = keys + 3;
            std::vector<float> weights(static_cast<std::size_t>(rows * stride));
            std::vector<float> values(static_cast<std::size_t>(keys * dim));
            for (float& x : weights)
              x = random.uniform() < 0.5 ? 0 : static_cast<float>(random.uniform());
            for (float& x : values)
              x = static_cast<float>(2 * random.uniform() - 1);
            std::vector<std::uint16_t> bits(values.size());
            std::vector<float> wide(static_cast<std::size_t>(kValueStep * dim));
            std::vector<std::int8_t> codes(values.size());
            std::vector<float> scales(static_cast<std::size_t>(keys));
            for (std::int64_t j = 0; j < keys && type == KvType::int8; ++j)
              scales[static_cast<std::size_t>(j)] =
                  int8_from_floats(values.data() + j * dim, dim, codes.data() + j * dim);
            if (is_half(type)) narrow(type, values.data(), std::ssize(values), bits.data());
            round_rows(type, dim, values);
            const void* const stored =
                type == KvType::int8 ? static_cast<const void*>(codes.data()) : bits.data();
            const NarrowRows narrow_rows{type, stored, scales.data(), wide.data()};
            std::vector<float> sums(static_cast<std::size_t>(rows * dim), 7);
            sum_dense_values({.weights = weights.data(),
                              .weight_stride = stride,
                              .rows = rows,
                              .values = type == KvType::f32 ? values.data() : nullptr,
                              .head_dim = dim,
                              .keys = keys,
                              .sums = sums.data(),
                              .narrow = type == KvType::f32 ? nullptr : &narrow_rows});
            double worst = 0;
            for (std::int64_t r = 0; r < rows; ++r)
              for (std::int64_t i = 0; i < dim; ++i) {
                double expected = 0;
                for (std::int64_t j = 0; j < keys; ++j)
                  expected += static_cast<double>(weights[static_cast<std::size_t>(r * stride + j)]) *
                              static_cast<double>(values[static_cast<std::size_t>(j * dim + i)]);
                worst = std::max(
                    worst,
                    std::abs(static_cast<double>(sums[static_cast<std::size_t>(r * dim + i)]) - expected));
              }
            INFO("dim " << dim << ", rows " << rows << ", keys " << keys);
            CHECK(worst < static_cast<double>(keys) * 0x1p-23);
          }
  });
}
