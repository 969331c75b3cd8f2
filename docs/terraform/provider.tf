# The provider of AWS, told where the server is. What it asks of services that are not named here goes to AWS.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

variable "endpoint" {
  type        = string
  description = "The URL of the server."
  default     = "http://127.0.0.1:4650"
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

provider "aws" {
  region = var.region

  endpoints {
    iam            = var.endpoint
    kms            = var.endpoint
    lambda         = var.endpoint
    secretsmanager = var.endpoint
    sts            = var.endpoint
  }
}

# Whose credentials they are: the first thing that the provider asks.
data "aws_caller_identity" "current" {}
