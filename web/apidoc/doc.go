// Package apidoc is the page that sets out the OpenAPI document of the native API.
package apidoc
