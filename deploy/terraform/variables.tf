variable "deployment" {
  description = "The deployment's name, as in the measured configuration. It is part of the names of everything here."
  type        = string
  nullable    = false

  validation {
    # A role's name has 64 characters at most, and this one begins with permafrost-.
    condition     = can(regex("^[a-z0-9-]{1,53}$", var.deployment))
    error_message = "deployment takes 1 to 53 of a-z, 0-9 and -."
  }
}

variable "administrators" {
  description = "Who may change the key's policy, disable and delete the key, but not use it: ARNs of IAM users or roles, or of the account's root, so that IAM policies decide. The principal that applies this module must be one of them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.administrators) > 0
    error_message = "administrators takes one ARN or more: without any, no one could ever change the key's policy."
  }

  validation {
    condition     = alltrue([for arn in var.administrators : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[A-Za-z0-9+=,.@_/-]+)$", arn))])
    error_message = "administrators takes arn:PARTITION:iam::ACCOUNT:user/NAME, role/NAME or root, without wildcards. A session (sts, assumed-role) is not accepted: name its role."
  }

  validation {
    condition     = !anytrue([for arn in var.administrators : endswith(arn, ":role/permafrost-${var.deployment}")])
    error_message = "administrators takes any principal but the instance's own role, which could let itself in."
  }
}

variable "key_policy_file" {
  description = "The key's policy, as `permafrost kms policy` wrote it for the image's measurements. Null while there is no image: the policy then has the administrators and the denials, and no one can use the key."
  type        = string
  default     = null
}

variable "subnet_id" {
  description = "The subnet of the instance. Null: the first one of the default VPC, to try it out. Name it for what is to stay: another first one would move the instance."
  type        = string
  default     = null

  validation {
    condition     = var.subnet_id == null || can(regex("^subnet-[0-9a-f]+$", var.subnet_id))
    error_message = "subnet_id takes subnet-..., or null for the default VPC."
  }
}

variable "associate_public_ip_address" {
  description = "Whether the instance has a public address to reach KMS from, as it must in a subnet without a NAT gateway or VPC endpoints. Nothing can reach the instance at it."
  type        = bool
  default     = true
  nullable    = false
}

variable "instance_type" {
  description = "An x86_64 instance type with Nitro Enclaves: of the sizes xlarge and above, since the enclave takes a whole core and the parent keeps one."
  type        = string
  default     = "c6i.xlarge"
  nullable    = false

  validation {
    condition     = can(regex("[.][0-9]*xlarge$", var.instance_type))
    error_message = "instance_type takes a size of xlarge or above, such as c6i.xlarge: an enclave takes 2 vCPUs, and the instance must keep 2. A bare metal instance has no enclaves."
  }

  validation {
    condition     = !can(regex("^(t[0-9]|mac|a1[.]|[a-z]+[0-9]+g)", var.instance_type))
    error_message = "instance_type takes x86_64 (no c7g and the like: the image's kernel is x86_64) and nothing burstable (t3 has no enclaves)."
  }
}

variable "ami_id" {
  description = "The machine image of the instance: Amazon Linux 2023, x86_64. Null: the newest at the time when the instance is made."
  type        = string
  default     = null

  validation {
    condition     = var.ami_id == null || can(regex("^ami-[0-9a-f]+$", var.ami_id))
    error_message = "ami_id takes ami-..., or null for the newest Amazon Linux 2023."
  }
}

variable "store_gib" {
  description = "The size of the volume with the record store, in GiB. A key with its shares takes less than 4 KiB."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.store_gib >= 1 && var.store_gib <= 16384 && floor(var.store_gib) == var.store_gib
    error_message = "store_gib takes a whole number from 1 to 16384."
  }
}

variable "session_manager" {
  description = "Whether the instance's role lets AWS Systems Manager open sessions, so that administrators need no inbound port."
  type        = bool
  default     = true
  nullable    = false
}

variable "key_name" {
  description = "An EC2 key pair for SSH, also for SSH through Session Manager. Null: none."
  type        = string
  default     = null
}

variable "inbound" {
  description = "TCP ports that may be connected to, and from where (CIDR). Default: none."
  type = list(object({
    port = number
    cidr = string
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for rule in var.inbound : rule.port >= 1 && rule.port <= 65535 && can(cidrhost(rule.cidr, 0))])
    error_message = "inbound takes a port from 1 to 65535 and a CIDR such as 192.0.2.0/24 or 2001:db8::/32."
  }

  validation {
    condition     = !anytrue([for rule in var.inbound : rule.port == 22 && endswith(rule.cidr, "/0")])
    error_message = "inbound takes no SSH from everywhere: name your network, or use Session Manager."
  }
}

variable "table" {
  description = "Whether the records are in a DynamoDB table that the enclaves reach themselves, instead of on the instance's volume. To be decided at the start: records do not move."
  type        = bool
  default     = false
  nullable    = false
}

variable "instances" {
  description = "How many parent instances there are, each with its enclave. Several need the table."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.instances >= 1 && var.instances <= 20 && floor(var.instances) == var.instances
    error_message = "instances takes a whole number from 1 to 20."
  }

  validation {
    condition     = var.instances == 1 || var.table
    error_message = "instances takes 1 without table = true: a volume belongs to one instance."
  }
}

variable "other_subnet_ids" {
  description = "Subnets of the same VPC in other zones, over which the instances and the load balancer are spread, after subnet_id."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.other_subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "other_subnet_ids takes subnet-... only."
  }
}

variable "load_balancer" {
  description = "A network load balancer that ends TLS with a certificate of ACM: the certificate, whether it has private addresses only, and who may connect (CIDR). Null: none. The parents have to listen on 0.0.0.0:8080."
  type = object({
    certificate_arn = string
    internal        = optional(bool, true)
    cidrs           = list(string)
  })
  default = null

  validation {
    condition     = var.load_balancer == null || can(regex("^arn:aws[a-z-]*:acm:", var.load_balancer.certificate_arn))
    error_message = "load_balancer.certificate_arn takes the ARN of a certificate in ACM."
  }

  validation {
    condition     = var.load_balancer == null || alltrue([for cidr in try(var.load_balancer.cidrs, []) : can(cidrhost(cidr, 0))])
    error_message = "load_balancer.cidrs takes CIDRs such as 192.0.2.0/24 or 2001:db8::/32."
  }
}

variable "tags" {
  description = "Tags for everything here."
  type        = map(string)
  default     = {}
  nullable    = false
}
