package io.netpark.ktor.behaviour

import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode.Companion.UnsupportedMediaType
import io.ktor.http.content.OutgoingContent
import io.ktor.http.formUrlEncode
import io.ktor.http.Parameters
import io.ktor.server.application.createRouteScopedPlugin
import io.ktor.server.application.install
import io.ktor.server.plugins.origin
import io.ktor.server.request.document
import io.ktor.server.request.header
import io.ktor.server.request.host
import io.ktor.server.request.httpMethod
import io.ktor.server.request.httpVersion
import io.ktor.server.request.path
import io.ktor.server.request.port
import io.ktor.server.request.queryString
import io.ktor.server.request.receive
import io.ktor.server.request.receiveParameters
import io.ktor.server.request.receiveText
import io.ktor.server.request.uri
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.head
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.utils.io.InternalAPI
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.writeStringUtf8
import io.ktor.utils.io.writer
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.GlobalScope

/** What a handler sees of a request. */
@OptIn(InternalAPI::class, DelicateCoroutinesApi::class)
class RequestsSpec : BehaviourSpec(
    application = {
        routing {
            get("/parts/1") {
                with(call.request) { call.respondText("${path()} ${document()} [${queryString()}] $uri") }
            }
            get("/a%20b") { call.respondText("space") }
            get("/a+b") { call.respondText("plus") }
            get("/values/{name}") { call.respondText(call.request.queryParameters.getAll(call.parameters["name"]!!).toString()) }
            get("/raw") {
                call.respondText("${call.request.queryParameters["key"]} ${call.request.rawQueryParameters["key"]}")
            }
            post("/form") { call.respondText("${call.parameters["urlp"]},${call.receiveParameters()["formp"]}") }
            post("/anyForm") {
                val parameters = runCatching { call.receive<Parameters?>() }.getOrNull()
                if (parameters != null) call.respondText(parameters.formUrlEncode()) else call.respond(UnsupportedMediaType)
            }
            get("/fields") {
                with(call.request) {
                    val all = headers.getAll("X-DOUBLE")
                    call.respondText("${headers["X-Single"]} ${headers["x-double"]} $all ${headers.getAll("X-None")}")
                }
            }
            get("/names") { call.respondText(call.request.headers.names().map { it.lowercase() }.sorted().joinToString(" ")) }
            get("/cookies") { call.respondText("${call.request.cookies["a"]} ${call.request.cookies["b"]}") }
            get("/address") { call.respondText("${call.request.local.remoteAddress} ${call.request.local.remotePort > 0}") }
            get("/local") {
                with(call.request.local) {
                    call.respondText("$scheme $serverHost $serverPort $localPort $version ${method.value} $uri")
                }
            }
            get("/origin") { with(call.request.origin) { call.respondText("$scheme $serverHost $serverPort") } }
            get("/hosts") { call.respondText("${call.request.host()} ${call.request.port()} ${call.request.httpVersion}") }
            head("/head") {
                call.respond(object : OutgoingContent.NoContent() {
                    override val contentLength = 5L
                })
            }
            get("/two-lengths") {
                call.response.headers.append(HttpHeaders.ContentLength, "2")
                call.respondText("OK")
            }
            route("/modified") {
                install(
                    createRouteScopedPlugin("fields") {
                        onCall { call ->
                            call.request.setHeader("deleted", null)
                            call.request.setHeader("changed", listOf("new 1", "new 2"))
                        }
                    },
                )
                get {
                    val values = listOf("changed", "deleted", "original").map { call.request.headers.getAll(it) }
                    call.respondText(values.joinToString(" "))
                }
            }
            route("/wrapped") {
                install(
                    createRouteScopedPlugin("body") {
                        onCall { call ->
                            val body = call.request.receiveChannel()
                            val wrapped = GlobalScope.writer {
                                channel.writeStringUtf8("start")
                                body.copyTo(channel)
                                channel.writeStringUtf8("finish")
                            }.channel
                            call.request.setReceiveChannel(wrapped)
                        }
                    },
                )
                post { call.respondText(call.receiveText()) }
            }
            route("/any") { handle { call.respondText("${call.request.httpMethod.value} ${call.receiveText()}") } }
            get("/accepts") { call.respondText("${call.request.header("Accept")}") }
        }
    },
    body = {
        behaviour("path, document, query and URI of a request") { site ->
            site.get("/parts/1?p=v").body() shouldBe "/parts/1 1 [p=v] /parts/1?p=v"
            site.ask(get("/parts/1?")).text shouldBe "/parts/1 1 [] /parts/1?"
            site.get("/parts/1").body() shouldBe "/parts/1 1 [] /parts/1"
        }

        behaviour("percent signs in a path are decoded for routing, a plus is not") { site ->
            site.ask(get("/a%20b")).text shouldBe "space"
            site.ask(get("/a+b")).text shouldBe "plus"
        }

        behaviour("query parameters: one, several, none, and without a value") { site ->
            site.get("/values/one?one=value").body() shouldBe "[value]"
            site.get("/values/two?two=1&two=2").body() shouldBe "[1, 2]"
            site.get("/values/none").body() shouldBe "null"
            site.get("/values/auto?auto").body() shouldBe "[]"
        }

        behaviour("query parameters raw and decoded, with a semicolon in them") { site ->
            site.ask(get("/raw?key=01;21")).text shouldBe "01;21 01;21"
            site.ask(get("/raw?key=value%261%2B2+3")).text shouldBe "value&1+2 3 value%261%2B2+3"
        }

        behaviour("a query that is malformed is answered with 400") { site ->
            site.ask(get("/raw?key=%nope", "Connection: close")).status shouldBe 400
        }

        behaviour("a path that is malformed is answered with 400, and the connection is no danger to others") { site ->
            site.ask(get("/values/%zz", "Connection: close")).status shouldBe 400
            site.ask(get("/a+b")).text shouldBe "plus"
        }

        behaviour("parameters of a form, and of the URI") { site ->
            site.post("/form?urlp=1", "formp=2", "Content-Type", "application/x-www-form-urlencoded").body() shouldBe "1,2"
        }

        behaviour("a body that is no form is not taken for one") { site ->
            site.post("/anyForm", "a=1", "Content-Type", "application/x-www-form-urlencoded").body() shouldBe "a=1"
            site.post("/anyForm", "a=1", "Content-Type", "application/octet-stream").statusCode() shouldBe 415
        }

        behaviour("fields are found whatever the case of their names: the first, and all") { site ->
            site.ask(get("/fields", "X-Single: foo", "X-Double: foo", "x-dOUBLE: bar")).text shouldBe "foo foo [foo, bar] null"
            site.ask(get("/fields", "X-Single: foo", "X-Double: foo,bar")).text shouldBe "foo foo,bar [foo,bar] null"
        }

        behaviour("names of fields are there once each") { site ->
            site.ask(get("/names", "X-A: 1", "X-A: 2", "X-B: 3")).text shouldBe "host x-a x-b"
        }

        behaviour("a field with an empty value, and one with blanks around its value") { site ->
            site.ask(get("/fields", "X-Single:", "X-Double: \t a b \t ")).text shouldBe " a b [a b] null"
        }

        behaviour("cookies of a request") { site -> site.ask(get("/cookies", "Cookie: a=1; b=two")).text shouldBe "1 two" }

        behaviour("the address of the client") { site ->
            val (address, port) = site.get("/address").body().split(' ')
            check(address in setOf("127.0.0.1", "localhost")) { address }
            port shouldBe "true"
        }

        behaviour("scheme, host and port of the connection") { site ->
            val request = head("GET /local?x HTTP/1.1", "Host: example.test:1234")
            site.ask(request).text shouldBe "${site.scheme} example.test 1234 ${site.port} HTTP/1.1 GET /local?x"
        }

        behaviour("without a port in Host it is that of the scheme") { site ->
            val request = head("GET /origin HTTP/1.1", "Host: example.test")
            val port = if (site.scheme == Scheme.HTTP) 80 else 443
            site.ask(request).text shouldBe "${site.scheme} example.test $port"
        }

        behaviour("the host is an address of IPv6") { site ->
            site.ask(head("GET /hosts HTTP/1.1", "Host: [::1]:${site.port}")).text shouldBe "[::1] ${site.port} HTTP/1.1"
        }

        promise("a request line with the whole URI: its authority counts, not Host") { site ->
            val answer = site.ask(head("GET http://other.test:99/hosts?a HTTP/1.1", "Host: other.test:99"))
            answer.text shouldBe "other.test 99 HTTP/1.1"
        }

        behaviour("HEAD: the fields of the answer, and no body") { site ->
            site.connect().use { peer ->
                peer.sendHead("HEAD /head HTTP/1.1", "Host: localhost")
                val answer = peer.answer("HEAD")
                answer.status shouldBe 200
                answer["Transfer-Encoding"].shouldBeNull()
                answer.length shouldBe 5
                peer.send(get("/a+b"))
                peer.answer().text shouldBe "plus"
            }
        }

        promise("a length that a handler gives beside that of its content is sent once") { site ->
            site.ask(get("/two-lengths")).run {
                length shouldBe 2
                text shouldBe "OK"
            }
        }

        promise("HEAD where a handler answers with a body: the same fields as for GET, and no body") { site ->
            site.connect().use { peer ->
                peer.sendHead("HEAD /any HTTP/1.1", "Host: localhost")
                peer.answer("HEAD").length shouldBe 5
                peer.send(get("/a+b"))
                peer.answer().text shouldBe "plus"
            }
        }

        behaviour("a plugin changes and removes fields of a request") { site ->
            val answer = site.get("/modified", "original", "old", "changed", "old", "deleted", "old")
            answer.body() shouldBe "[new 1, new 2] null [old]"
        }

        behaviour("a plugin puts another body in place of the request's") { site ->
            site.post("/wrapped", "test").body() shouldBe "starttestfinish"
        }

        behaviour("a GET with a body") { site ->
            site.ask(head("GET /any HTTP/1.1", "Host: localhost", "Content-Length: 4") + "body").text shouldBe "GET body"
        }

        behaviour("a method that nobody has heard of reaches its handler") { site ->
            site.ask(head("BREW /any HTTP/1.1", "Host: localhost", "Content-Length: 3") + "tea").text shouldBe "BREW tea"
        }

        behaviour("more than sixty-four fields") { site -> // KTOR-8164
            val fields = (1..80).map { "X-Field-$it: $it" }.toTypedArray()
            val names = site.ask(get("/names", *fields)).text.split(' ')
            names.size shouldBe 81
        }

        behaviour("values with bytes beyond ASCII do not end the connection") { site ->
            site.ask(get("/fields", "X-Single: caf\u00e9")).status shouldBe 200
        }

        behaviour("OPTIONS with an asterisk is answered") { site ->
            val answer = site.ask(head("OPTIONS * HTTP/1.1", "Host: localhost", "Connection: close"))
            check(answer.status < 500) { answer }
        }
    },
)
