terraform {
  # 1.9: a variable's validation may speak of other variables, and `terraform test` may mock a provider.
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}
