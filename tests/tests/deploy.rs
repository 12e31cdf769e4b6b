//! What runs it on EC2, judged without EC2 by `scripts/check-deploy`: systemd units, the Terraform module, its key policies, and
//! the page. Each kind of mistake is refused by name, so that the check is known to look.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use permafrost_enclave::config::Config;
use tempfile::TempDir;

/// A change to one file of `deploy/`: the file, what is replaced, by what, and what the refusal names.
type Mistake = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

#[test]
fn what_runs_it_on_ec2_passes_its_checks() {
    let (good, said) = check(
        "all",
        &repository().join("deploy"),
        &repository().join("docs/deploy.md"),
    );
    assert!(good, "{said}");
    let (judged, left_out) = (
        said.matches(": good").count(),
        said.matches(": LEFT OUT: ").count(),
    );
    assert_eq!(
        (judged, left_out),
        if terraform_is_here() { (5, 0) } else { (4, 1) },
        "{said}"
    );
}

#[test]
fn a_unit_with_a_mistake_is_refused() {
    const PARENT: &str = "systemd/permafrost.service";
    const ENCLAVE: &str = "systemd/permafrost-enclave.service";
    refuses(
        "units",
        &[
            (
                PARENT,
                "NoNewPrivileges=",
                "NoNewPriviledges=",
                &["systemd-analyze verify", "Unknown key 'NoNewPriviledges'"],
            ),
            (
                PARENT,
                "CapabilityBoundingSet=\n",
                "CapabilityBoundingSet=CAP_SYS_ADMIN\n",
                &["sandbox of permafrost.service: CapabilityBoundingSet_CAP_SYS_ADMIN is open"],
            ),
            (
                PARENT,
                "ProtectSystem=strict\n",
                "",
                &["sandbox of permafrost.service: ProtectSystem is open"],
            ),
            (
                PARENT,
                "RestrictAddressFamilies=AF_VSOCK",
                "RestrictAddressFamilies=AF_NETLINK AF_VSOCK",
                &["sandbox of permafrost.service: RestrictAddressFamilies_AF_NETLINK is open"],
            ),
            (
                ENCLAVE,
                "SystemCallFilter=~@privileged @resources\n",
                "",
                &["sandbox of permafrost-enclave.service: SystemCallFilter_"],
            ),
            (
                ENCLAVE,
                "run-enclave ",
                "run-enclave --debug-mode ",
                &["enclave: it is started in debug mode"],
            ),
            (
                ENCLAVE,
                "--enclave-cid 16",
                "--enclave-cid 17",
                &["enclave: CID 17", "vsock://16:5000"],
            ),
            (
                ENCLAVE,
                "--memory 256",
                "--memory 512",
                &["enclave: --memory 512 of memory_mib 256"],
            ),
            (
                ENCLAVE,
                "terminate-enclave --enclave-name permafrost",
                "terminate-enclave --all",
                &["enclave: ended by terminate-enclave --all"],
            ),
            (
                ENCLAVE,
                "Restart=always\n",
                "",
                &["permafrost-enclave.service: no Restart=always"],
            ),
            (
                "systemd/allocator.yaml",
                "---\n",
                "",
                &["allocator.yaml: begins with"],
            ),
            (
                "systemd/permafrost.sysusers",
                "\"Permafrost, parent",
                "\"Permafrost: parent",
                &["systemd-sysusers: it creates no permafrost"],
            ),
            (
                "parent.toml",
                "listen =",
                "lisen =",
                &["parent.toml: ", "lisen"],
            ),
            (
                "install",
                "permafrost.service\" ",
                "permafrost.servic\" ",
                &["install: "],
            ),
        ],
    );
}

#[test]
fn a_module_with_a_mistake_is_refused() {
    const INSTANCE: &str = "terraform/instance.tf";
    const KEY: &str = "terraform/key.tf";
    refuses(
        "module",
        &[
            (
                INSTANCE,
                "\"required\"",
                "\"optional\"",
                &[
                    "aws_instance.parent: metadata_options.http_tokens is optional; expected required",
                ],
            ),
            (
                INSTANCE,
                "http_put_response_hop_limit = 1",
                "http_put_response_hop_limit = 2",
                &["metadata_options.http_put_response_hop_limit is 2"],
            ),
            (
                INSTANCE,
                "key_name             =",
                "keyname              =",
                &["aws_instance.parent: keyname is unknown"],
            ),
            (
                INSTANCE,
                "  availability_zone = data.aws_subnet.parent.availability_zone\n",
                "",
                &["aws_ebs_volume.store: availability_zone is missing"],
            ),
            (
                INSTANCE,
                "  enclave_options {\n    enabled = true\n  }\n",
                "",
                &["enclave_options.enabled is None"],
            ),
            (
                KEY,
                "deletion_window_in_days = 30",
                "deletion_window_in_days = 7",
                &["deletion_window_in_days is 7"],
            ),
            (
                KEY,
                "prevent_destroy = true",
                "prevent_destroy = false",
                &["aws_kms_key.root_secret: lifecycle.prevent_destroy is False"],
            ),
            (
                KEY,
                "resource \"aws_kms_alias\"",
                "resource \"aws_kms_grant\"",
                &["aws_kms_grant is not in"],
            ),
            (
                "terraform/role.tf",
                "\"ssm:UpdateInstanceInformation\"",
                "\"kms:Decrypt\"",
                &["aws_iam_role_policy.session_manager: it names KMS"],
            ),
            (
                "terraform/versions.tf",
                "\"~> 6.0\"",
                "\">= 6.0\"",
                &["the provider aws is >= 6.0"],
            ),
            (
                "terraform/variables.tf",
                "  type        = list(string)\n",
                "",
                &["variable administrators: no type"],
            ),
            (
                "terraform/user-data.sh.tftpl",
                "\ndone\n",
                "\n",
                &["user-data.sh.tftpl: "],
            ),
        ],
    );
}

#[test]
fn a_table_or_a_load_balancer_with_a_mistake_is_refused() {
    const TABLE: &str = "terraform/table.tf";
    const BALANCER: &str = "terraform/load-balancer.tf";
    refuses(
        "module",
        &[
            (
                TABLE,
                "\"PAY_PER_REQUEST\"",
                "\"PROVISIONED\"",
                &["aws_dynamodb_table.records: billing_mode is PROVISIONED"],
            ),
            (
                TABLE,
                "range_key    = \"id\"",
                "range_key    = \"version\"",
                &["range_key is version; expected id"],
            ),
            (
                TABLE,
                "deletion_protection_enabled = true",
                "stream_enabled = true",
                &[
                    "deletion_protection_enabled is None",
                    "stream_enabled is True",
                ],
            ),
            (
                TABLE,
                "    enabled = true\n",
                "    enabled = false\n",
                &["point_in_time_recovery.enabled is False"],
            ),
            (
                TABLE,
                "= local.table_policy\n",
                "= local.enclave_policy\n",
                &["aws_dynamodb_resource_policy.records: policy is ${local.enclave_policy}"],
            ),
            (
                TABLE,
                "resource \"aws_iam_user_policy\"",
                "resource \"aws_iam_access_key\"",
                &[
                    "aws_iam_access_key is not in",
                    "aws_iam_user_policy: 0 of them",
                ],
            ),
            (
                "terraform/role.tf",
                "\"ssm:UpdateInstanceInformation\"",
                "\"dynamodb:GetItem\"",
                &["aws_iam_role_policy.session_manager: it names DynamoDB"],
            ),
            (
                BALANCER,
                "\"/readyz\"",
                "\"/healthz\"",
                &["health_check.path is /healthz; expected /readyz"],
            ),
            (
                BALANCER,
                "protocol          = \"TLS\"",
                "protocol          = \"TCP\"",
                &["aws_lb_listener.tls: protocol is TCP"],
            ),
        ],
    );
}

#[test]
fn a_table_policy_that_is_not_that_of_the_program_is_refused() {
    refuses(
        "policy",
        &[
            (
                "terraform/table-policy.json.tftpl",
                "\"ArnNotEquals\": {\n          \"aws:PrincipalArn\": ${principals}",
                "\"ArnNotLike\": {\n          \"aws:PrincipalArn\": \"arn:aws:iam::111122223333:role/*\"",
                &["table-policy.json.tftpl: a statement is"],
            ),
            (
                "terraform/table-policy.json.tftpl",
                "\"Effect\": \"Deny\",\n      \"Principal\": \"*\",\n      \"Action\": \"dynamodb:*\"",
                "\"Effect\": \"Allow\",\n      \"Principal\": \"*\",\n      \"Action\": \"dynamodb:*\"",
                &["permafrost store table check finds parent-may-"],
            ),
            (
                "terraform/enclave-policy.json.tftpl",
                "\"dynamodb:Query\"",
                "\"dynamodb:*\"",
                &["enclave-policy.json.tftpl: a statement is"],
            ),
        ],
    );
}

#[test]
fn a_key_policy_that_is_not_that_of_the_program_is_refused() {
    refuses(
        "policy",
        &[
            (
                "terraform/key-policy.json.tftpl",
                "        \"kms:CreateGrant\",\n",
                "",
                &[
                    "key-policy.json.tftpl: a statement is",
                    "finds grants-not-denied",
                ],
            ),
            (
                "terraform/tests/key-policy.json",
                "root-secret",
                "another",
                &["tests/key-policy.json: not what `permafrost kms policy` prints"],
            ),
        ],
    );
}

#[test]
fn terraform_itself_refuses_what_only_it_sees() {
    if !terraform_is_here() {
        // The check says so, and what_runs_it_on_ec2_passes_its_checks holds it to that.
        return;
    }
    const KEY: &str = "terraform/key.tf";
    refuses(
        "terraform",
        &[
            (
                KEY,
                "multi_region             = false",
                "multi_region = false",
                &["terraform fmt: ", "multi_region"],
            ),
            (
                KEY,
                "multi_region             = false",
                "multi_region             = \"no\"",
                &["terraform validate in module: ", "a bool is required"],
            ),
            (
                KEY,
                "local.releases :\n",
                "[] :\n",
                &[
                    "terraform test: ",
                    "a_policy_of_another_deployment_is_refused\"... fail",
                ],
            ),
            (
                KEY,
                "jsonencode(local.others) ==",
                "jsonencode(jsondecode(local.without_releases).Statement) ==",
                &[
                    "terraform test: ",
                    "a_policy_with_another_statement_is_refused\"... fail",
                ],
            ),
            (
                "terraform/example/main.tf",
                "  administrators = [\"arn:aws:iam::111122223333:role/administrator\"]\n",
                "",
                &[
                    "terraform validate in example: ",
                    "\"administrators\" is required",
                ],
            ),
        ],
    );
}

#[test]
fn a_command_of_the_page_that_does_not_exist_is_refused() {
    let folder = TempDir::new().unwrap();
    for (from, to, named) in [
        (
            "kms check key-policy.json",
            "kms judge key-policy.json",
            "permafrost kms: ['judge'] follows",
        ),
        (
            "--measurements v1=v1",
            "--measurement v1=v1",
            "permafrost kms policy: it has no option --measurement",
        ),
        (
            "scripts/reproduce --once",
            "scripts/reproduce --twice",
            "reproduce: --twice is not in its description",
        ),
        (
            "scripts/image enclave.toml",
            "scripts/picture enclave.toml",
            "picture: it does not exist",
        ),
    ] {
        let page = folder.path().join("deploy.md");
        fs::write(
            &page,
            replaced(&read(&repository().join("docs/deploy.md")), from, to),
        )
        .unwrap();
        let (good, said) = check("page", &repository().join("deploy"), &page);
        assert!(!good && said.contains(named), "{to}: {said}");
    }
}

#[test]
fn the_measured_configuration_of_the_page_is_accepted() {
    let page = read(&repository().join("docs/deploy.md"));
    let start = page.find("```toml\n").unwrap() + "```toml\n".len();
    let written = &page[start..start + page[start..].find("```").unwrap()];
    let config = Config::parse(written.as_bytes()).unwrap();
    assert_eq!(config.deployment, "example");
}

/// This part of the check refuses each of the mistakes, and names it.
fn refuses(part: &str, mistakes: &[Mistake]) {
    for (file, from, to, named) in mistakes {
        let folder = TempDir::new().unwrap();
        let copy = folder.path().join("deploy");
        let copied = Command::new("cp")
            .arg("-r")
            .arg(repository().join("deploy"))
            .arg(&copy)
            .status();
        assert!(copied.unwrap().success());
        let path = copy.join(file);
        fs::write(&path, replaced(&read(&path), from, to)).unwrap();
        let (good, said) = check(part, &copy, &repository().join("docs/deploy.md"));
        assert!(!good, "{file} with {to:?} is accepted: {said}");
        for name in *named {
            assert!(said.contains(name), "{file} with {to:?}: {said}");
        }
    }
}

/// Whether the check accepts it, and what it says.
fn check(part: &str, folder: &Path, page: &Path) -> (bool, String) {
    let done = Command::new(repository().join("scripts/check-deploy"))
        .args(["--only", part])
        .args([folder, page])
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "there is no {from:?} to replace");
    text.replacen(from, to, 1)
}

fn terraform_is_here() -> bool {
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("terraform").is_file())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
