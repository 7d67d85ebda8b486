"""The one address that the provider calls back."""

import json
from typing import Final

from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from .function import account_arn, log_group

ROUTE: Final = "/callbacks/{token}"
API_ID_PLACEHOLDER: Final = "{api_id}"

# The path holds the token, which must not be in a log: whoever reads it could replay it.
_ACCESS_LOG: Final = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


class CallbackApi(Construct):
    """An HTTP API with one route, a throttle, and access logs that name no token."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        receiver: lambda_.IFunction,
        base_url: str | None,
        log_retention_days: int,
    ) -> None:
        """Make the API.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            receiver: Answers every method, so that the wrong ones get a 405 of their own.
            base_url: The address in front of the API, if not its own; `{api_id}` in it is
                replaced by the API's id.
            log_retention_days: How long access logs are kept.
        """
        super().__init__(scope, construct_id)
        api = apigw.HttpApi(
            self,
            "Api",
            description="Where Evolink calls Cutout back",
            create_default_stage=False,
        )
        api.add_routes(
            path=ROUTE,
            methods=[apigw.HttpMethod.ANY],
            integration=HttpLambdaIntegration("Receiver", receiver),
        )
        self.logs = log_group(self, "AccessLogs", days=log_retention_days)
        apigw.CfnStage(
            self,
            "Stage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=apigw.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=100, throttling_burst_limit=200
            ),
            access_log_settings=apigw.CfnStage.AccessLogSettingsProperty(
                destination_arn=account_arn("logs", f"log-group:{self.logs.log_group_name}"),
                format=json.dumps(_ACCESS_LOG),
            ),
        )
        self.api = api
        self.url = (
            base_url.replace(API_ID_PLACEHOLDER, api.api_id) if base_url else api.api_endpoint
        )
