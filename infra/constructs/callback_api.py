"""The HTTP API that receives the provider's callbacks."""

import json
from dataclasses import dataclass
from typing import Final

from aws_cdk import CfnDeletionPolicy, Names, Stack
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from cutout.domain.callback_token import CALLBACK_ROUTE

from ..access.resources import account_arn
from ..settings.settings import Settings
from .function import log_group

# Requests a second, and at once. Forged callbacks count, too, so this is far more than real ones
# need: three tasks at once send at most twelve requests.
_RATE: Final = 100
_BURST: Final = 200
# The provider sends a callback once, and up to three times more if it is not accepted.
# Source: its page on creating a task.
_TRIES: Final = 4
VENDED_LOGS: Final = "/aws/vendedlogs/"

# Without the path: it holds the token, which a reader of the log could replay.
_ACCESS_LOG: Final = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


@dataclass(frozen=True, kw_only=True)
class CallbackDomain:
    """Your own host name for callbacks; it disables the API's own address.

    Attributes:
        name: The host name, such as `callbacks.example.com`.
        certificate: A certificate for it in the same region.
        zone: The hosted zone that gets its record. If left out, create a record yourself that
            points to `CallbackApi.domain_target`.
    """

    name: str
    certificate: acm.ICertificate
    zone: route53.IHostedZone | None = None


class CallbackApi(Construct):
    """An HTTP API with one route, a throttle, and access logs without tokens."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        receiver: lambda_.IFunction,
        settings: Settings,
        domain: CallbackDomain | None,
    ) -> None:
        """Make the API; a host name of your own takes precedence over `callback_base_url`."""
        super().__init__(scope, construct_id)
        api = apigw.HttpApi(
            self,
            "Api",
            description="Where Evolink calls Cutout back",
            create_default_stage=False,
            # With a host name of your own, the API's own address would be a second way in.
            disable_execute_api_endpoint=True if domain else None,
        )
        api.add_routes(
            path=CALLBACK_ROUTE,
            # The receiver answers wrong methods, too, with 405.
            methods=[apigw.HttpMethod.ANY],
            integration=HttpLambdaIntegration("Receiver", receiver),
        )
        # For a name without this prefix, API Gateway adds a resource policy to CloudWatch Logs, and
        # an account can have ten.
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
        path = Names.unique_resource_name(self, max_length=200, separator="-")
        vended = f"{VENDED_LOGS}{Stack.of(self).stack_name}-{path}"
        self.logs = log_group(self, "AccessLogs", days=settings.log_retention_days, name=vended)
        resource = self.logs.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 # what a LogGroup is made of
        # Earlier versions named the group differently: its lines stay until they expire.
        resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
        stage = apigw.CfnStage(
            self,
            "Stage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigw.CfnStage.RouteSettingsProperty(
                # Also as many as can end at the same time: a throttled callback comes late, by its
                # next try.
                throttling_rate_limit=max(_RATE, settings.max_in_flight),
                throttling_burst_limit=max(_BURST, _TRIES * settings.max_in_flight),
            ),
            access_log_settings=apigw.CfnStage.AccessLogSettingsProperty(
                destination_arn=account_arn("logs", f"log-group:{self.logs.log_group_name}"),
                format=json.dumps(_ACCESS_LOG),
            ),
        )
        self.api = api
        self.domain_target: str | None = None
        if domain:
            self._answer_at(domain, stage)
        elif settings.callback_base_url:
            self.url = settings.callback_base_url.replace("{api_id}", api.api_id)
        else:
            self.url = api.api_endpoint

    def _answer_at(self, domain: CallbackDomain, stage: apigw.CfnStage) -> None:
        """Put the API behind a host name."""
        name = apigw.DomainName(
            self,
            "Domain",
            domain_name=domain.name,
            certificate=domain.certificate,
            security_policy=apigw.SecurityPolicy.TLS_1_2,
        )
        mapping = apigw.CfnApiMapping(
            self, "Mapping", api_id=self.api.api_id, domain_name=name.name, stage="$default"
        )
        # The mapping names the stage by text, in which CloudFormation sees no dependency.
        mapping.add_resource_dependency(stage)
        if domain.zone:
            target = targets.ApiGatewayv2DomainProperties(
                name.regional_domain_name, name.regional_hosted_zone_id
            )
            route53.ARecord(
                self,
                "Record",
                zone=domain.zone,
                record_name=domain.name,
                target=route53.RecordTarget.from_alias(target),
            )
        self.domain_target = name.regional_domain_name
        self.url = f"https://{domain.name}"
