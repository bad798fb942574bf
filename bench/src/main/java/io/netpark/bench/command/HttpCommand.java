package io.netpark.bench.command;

import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Shape.Http;
import java.util.List;
import picocli.CommandLine.Command;

/** A page over HTTP. */
@Command(name = "http", description = "CPU a request, throughput and latency of a page over HTTP/1.1.")
final class HttpCommand extends TrafficCommand {

    @Override
    String title() {
        return "HTTP";
    }

    @Override
    String introduction() {
        return "`GET /plaintext`, kept alive: 13 bytes, with the fields Server, Date, Content-Type and Content-Length. Netpark is"
                + " the http sample; nginx has one worker.";
    }

    @Override
    Contender base() {
        return Contender.NGINX;
    }

    @Override
    String baseIs() {
        return "nginx";
    }

    @Override
    List<Http> all() {
        return List.of(
                new Http("100", 100, 1),
                new Http("1000", 1_000, 1),
                new Http("100x16", 100, 16));
    }

    @Override
    List<Http> quick() {
        return List.of(all().get(0), all().get(2));
    }

    @Override
    List<Contender> contenders() {
        return options.contenders(Contender.ofHttp());
    }
}
