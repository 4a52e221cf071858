// How Linear stores its weights; linear.cpp multiplies with them.
#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "core/half.hpp"
#include "core/team.hpp"
#include "kernels/linear/linear_impl.hpp"

namespace toptheta {

namespace {
std::int64_t padded_size(std::int64_t in, Compute compute) {
  const std::int64_t unit = compute == Compute::q8 ? kCodeBlock : compute == Compute::bf16 ? 2 : 1;
  return (in + unit - 1) / unit * unit;
}
}  // namespace

Linear::Impl::Impl(std::int64_t in_features, std::int64_t out_features, Compute compute,
                   std::int64_t code_group)
    : in(in_features),
      out(out_features),
      bf16(compute == Compute::bf16),
      group(compute == Compute::q8 ? code_group : 0),
      bf16_products(compute != Compute::f32 && PanelProducts::fast({in, kPanelWidth, true}) != nullptr),
      padded_in(padded_size(in, compute)),
      wide(compute == Compute::f32 ? static_cast<std::size_t>(panels() * in * kPanelWidth) : 0),
      narrow(bf16 ? static_cast<std::size_t>(panels() * padded_in / 2 * kPanelWidth) : 0),
      coded(group > 0 ? static_cast<std::size_t>(panels() * coded_panel_bytes(padded_in, group)) : 0),
      whole(group > 0 || (bf16 && !bf16_products) ? nullptr
                                                  : PanelProducts::fast({in, out, bf16_products, true})),
      direct(out < kPanelWidth ? nullptr : PanelProducts::fast({in, out, bf16_products})),
      aside(bf16_products ? PanelProducts::fast({in, kPanelWidth, true})
                          : &PanelProducts::any(in, kPanelWidth)) {}

void Linear::Impl::pack_codes(std::int64_t panel, const std::function<void(const CodedRows&)>& fill) {
  const auto size = static_cast<std::size_t>(columns(panel) * padded_in);
  std::vector<std::uint8_t> codes(size);
  std::vector<float> scales(size / static_cast<std::size_t>(group));
  std::vector<float> offsets(scales.size());
  const CodedRows rows{group, codes.data(), scales.data(), offsets.data()};
  fill(rows);
  pack_coded(rows, columns(panel), padded_in, coded.data() + panel * coded_panel_bytes(padded_in, group));
}

void Linear::Impl::pack_rounded(const float* from, std::int64_t panel) {
  pack_codes(panel, [&](const CodedRows& rows) {
    if (padded_in == in) return code_rows(from, columns(panel), in, rows);
    std::vector<float> padded(static_cast<std::size_t>(padded_in));
    for (std::int64_t c = 0; c < columns(panel); ++c) {
      std::copy_n(from + c * in, in, padded.begin());
      code_rows(padded.data(), 1, padded_in, rows.from(c, padded_in));
    }
  });
}

void Linear::Impl::pack(const float* from, std::int64_t panel) {
  if (group > 0) return pack_rounded(from, panel);
  for (std::int64_t c = 0; c < columns(panel); ++c)
    for (std::int64_t i = 0; i < in; ++i) {
      const float value = from[c * in + i];
      if (bf16)
        narrow.data()[(panel * padded_in / 2 + i / 2) * kPanelWidth + c] |=
            std::uint32_t{bf16_from_float(value)} << (i % 2 * 16);
      else
        wide.data()[(panel * in + i) * kPanelWidth + c] = value;
    }
}

Linear::Linear(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias, Compute compute)
    : Linear(
          [&](std::int64_t first, std::int64_t count, float* out) {
            assert(std::ssize(weight) == out_features * in_features);
            std::copy_n(weight.data() + first * in_features, count * in_features, out);
          },
          out_features, in_features, bias, compute) {}

Linear::Linear(const ReadRows& read, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias, Compute compute) {
  assert(out_features > 0 && in_features > 0);
  assert(bias.empty() || std::ssize(bias) == out_features);
  auto impl = std::make_unique<Impl>(in_features, out_features, compute, kCodeBlock);
  impl->bias.assign(bias.begin(), bias.end());
  // By the threads that later multiply single rows, so that weights lie near those who read them.
  parallel_runs(impl->panels(), [&](std::int64_t panel) {
    std::vector<float> rows(static_cast<std::size_t>(impl->columns(panel) * in_features));
    read(panel * kPanelWidth, impl->columns(panel), rows.data());
    impl->pack(rows.data(), panel);
  });
  impl_ = std::move(impl);
}

Linear::Linear(const ReadCodes& read, std::int64_t group, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias) {
  assert(in_features % kCodeBlock == 0 && (group == kCodeBlock || 2 * group == kCodeBlock));
  assert(bias.empty() || std::ssize(bias) == out_features);
  auto impl = std::make_unique<Impl>(in_features, out_features, Compute::q8, group);
  impl->bias.assign(bias.begin(), bias.end());
  parallel_runs(impl->panels(), [&](std::int64_t panel) {
    impl->pack_codes(panel,
                     [&](const CodedRows& rows) { read(panel * kPanelWidth, impl->columns(panel), rows); });
  });
  impl_ = std::move(impl);
}

Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

std::int64_t Linear::in_features() const {
  return impl_->in;
}
std::int64_t Linear::out_features() const {
  return impl_->out;
}
void Linear::row(std::int64_t out_feature, float* weights) const {
  const std::int64_t panel = out_feature / kPanelWidth;
  const std::int64_t column = out_feature % kPanelWidth;
  if (impl_->group > 0) {
    auto* const padded = thread_memory<float>(static_cast<std::size_t>(impl_->padded_in));
    unpack_coded(impl_->coded_panel(panel), column, padded);
    std::copy_n(padded, impl_->in, weights);
    return;
  }
  for (std::int64_t i = 0; i < impl_->in; ++i) {
    if (!impl_->bf16) {
      weights[i] = impl_->wide_panel(panel)[i * kPanelWidth + column];
      continue;
    }
    const std::uint32_t pair = impl_->narrow_panel(panel)[i / 2 * kPanelWidth + column];
    weights[i] = float_from_bf16(static_cast<std::uint16_t>(pair >> (i % 2 * 16)));
  }
}

std::int64_t Linear::bias_size() const {
  return static_cast<std::int64_t>(impl_->bias.size());
}

std::int64_t Linear::bytes() const {
  return static_cast<std::int64_t>(impl_->wide.size() * sizeof(float) +
                                   impl_->narrow.size() * sizeof(std::uint32_t) + impl_->coded.size() +
                                   impl_->bias.size() * sizeof(float));
}

}  // namespace toptheta
