"""Routes of the whole site; every app keeps its own."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("portal.health_urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("apps.api.urls")),
    path("console/", admin.site.urls),
    path("", include("apps.web.urls")),
]
