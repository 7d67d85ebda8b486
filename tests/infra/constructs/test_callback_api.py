"""The API that the provider calls back, and its throttle, logs and address."""

import json

import pytest

from infra.settings.settings import Settings
from tests.infra.template_view import Synthesize, TemplateView


def test_api_has_one_route(template: TemplateView) -> None:
    """Every method of /callbacks/{token} goes to ReceiveCallback; there is no other route."""
    [route] = template.of_type("AWS::ApiGatewayV2::Route").values()
    [integration] = template.of_type("AWS::ApiGatewayV2::Integration").values()
    assert route["RouteKey"] == "ANY /callbacks/{token}"
    assert integration["IntegrationUri"] == "<ReceiveCallbackFunction.Arn>"
    assert integration["PayloadFormatVersion"] == "2.0"


def test_only_that_route_may_start_receive_callback(template: TemplateView) -> None:
    """The function's own policy names the API and the path."""
    [permission] = template.of_type("AWS::Lambda::Permission").values()
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "<ReceiveCallbackFunction.Arn>",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": "arn:aws:execute-api:here:mine:<CallbackApi>/*/*/callbacks/{token}",
    }


def test_callbacks_are_throttled(template: TemplateView) -> None:
    """At the API."""
    [stage] = template.of_type("AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": 100,
        "ThrottlingBurstLimit": 200,
    }


@pytest.mark.parametrize("max_in_flight", [3, 50, 1000])
def test_throttle_lets_callbacks_of_all_tasks_pass_at_once(
    max_in_flight: int, synthesize: Synthesize
) -> None:
    """Each is sent up to four times, and forged callbacks count, too."""
    told = synthesize(Settings(max_in_flight=max_in_flight))
    [stage] = told.of_type("AWS::ApiGatewayV2::Stage").values()
    settings = stage["DefaultRouteSettings"]
    assert settings["ThrottlingBurstLimit"] >= 4 * max_in_flight
    assert settings["ThrottlingRateLimit"] >= max_in_flight


def test_access_logs_have_no_token(template: TemplateView) -> None:
    """A reader of the logs cannot replay a callback: the path, which has the token, is absent."""
    [stage] = template.of_type("AWS::ApiGatewayV2::Stage").values()
    settings = stage["AccessLogSettings"]
    assert json.loads(settings["Format"]) == {
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
    assert settings["DestinationArn"] == "arn:aws:logs:here:mine:log-group:<CallbackApiAccessLogs>"


def test_access_logs_need_no_resource_policy(template: TemplateView) -> None:
    """An account has ten; groups with this prefix need none."""
    name = template.properties("CallbackApiAccessLogs")["LogGroupName"]
    assert name.startswith("/aws/vendedlogs/Cutout-")


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, "<CallbackApi.ApiEndpoint>"),
        ("https://callbacks.example.com", "https://callbacks.example.com"),
        (
            "https://localhost:4566/_aws/execute-api/{api_id}/$default",
            "https://localhost:4566/_aws/execute-api/<CallbackApi>/$default",
        ),
    ],
)
def test_callback_url_follows_the_settings(
    synthesize: Synthesize, base_url: str | None, expected: str
) -> None:
    """The API's own address, a domain in front of it, or a path with its id."""
    reading = synthesize(Settings(callback_base_url=base_url))
    told = reading.properties("SubmitFunction")["Environment"]["Variables"]
    assert reading.outputs["CallbackUrl"] == expected
    assert told["CUTOUT_CALLBACK_URL"] == expected


def test_deployment_without_callbacks_has_no_callback_url(synthesize: Synthesize) -> None:
    """Results are found by polling."""
    reading = synthesize(Settings(callbacks=False))
    told = reading.properties("SubmitFunction")["Environment"]["Variables"]
    assert "CUTOUT_CALLBACK_URL" not in told
