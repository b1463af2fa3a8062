"""Routes of the whole site; every app keeps its own."""

from django.urls import include, path

from apps.api.files import download
from apps.api.views import callbacks_in

urlpatterns = [
    path("", include("portal.health_urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("apps.api.urls")),
    path("callbacks/<str:provider>/<str:opaque>", callbacks_in.receive, name="inbound_callback"),
    path("files/<str:token>/<str:name>", download, name="file"),
    path("console/", include("apps.console.urls")),
    path("", include("apps.dialects.urls")),
    path("", include("apps.web.urls")),
]
handler400 = "apps.web.views.errors.bad_request"
handler403 = "apps.web.views.errors.forbidden"
handler404 = "apps.web.views.errors.not_found"
handler500 = "apps.web.views.errors.server_error"
