// The k that a budget assigned to heads or layers, for people and machines.
#pragma once
#include <string>

#include "calibration/budget.hpp"
#include "core/provenance.hpp"
#include "report/listing.hpp"

namespace toptheta {

// "0:12,1:dense,2:9", as --layer-k takes it. If the heads of a layer differ, the rounded mean of their k.
std::string layer_k_flag(const std::vector<std::int64_t>& head_k, std::int64_t num_heads);

// Schema "toptheta.budget/1" (docs/formats.md): a row for each head, or for each layer.
Listing budget_listing(const BudgetPlan& plan, const Budget& budget, const TableMeta& meta);

}  // namespace toptheta
