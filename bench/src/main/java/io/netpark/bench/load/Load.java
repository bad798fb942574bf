package io.netpark.bench.load;

import io.netpark.bench.tls.Protocol;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * The generator's process. It obeys lines on its standard input and answers each with one line: {@code ok …} or
 * {@code failed …}. It ends when its input does, so it never outlives the harness.
 *
 * <pre>
 *   open PORT COUNT SIZE DEPTH   connects COUNT more requesters
 *   frames PORT COUNT SIZE DEPTH as open, of messages that begin with their length
 *   http PORT COUNT DEPTH        as open, for a page over HTTP
 *   file PORT COUNT SIZE         as open, for a file over HTTP, one at a time
 *   json PORT COUNT DEPTH        as http, for an object in JSON
 *   upload PORT COUNT SIZE       as file, but sends so many bytes and asks how many they were
 *   once                         one request on every connection that has had none
 *   run MILLIS ACTIVE            requests on the first ACTIVE connections
 *   answers ACTIVE               how many each of them has had in the last run
 *   pace MILLIS ACTIVE RATE      so many requests a second begin on them, whether those before are answered or not
 *   drain PORT COUNT BLOCK BLOCKS MILLIS   connects, fetches blocks, closes
 *   churn PORT COUNT SIZE MILLIS           COUNT visitors at a time
 *   visits PORT COUNT MILLIS               the same, for a page over HTTP
 *   stamp PORT COUNT PAUSE_MICROS          one request after another, with a pause before each
 *   close                        closes every connection
 *   tls PROTOCOL RESUMED         encrypts connections from now on; RESUMED is 1 if sessions are resumed, else 0
 *   plain                        no more
 * </pre>
 */
public final class Load {

    private static final int CONNECTS_AT_A_TIME = 256;

    private final Traffic traffic = new Traffic();
    private final List<Client> requesters = new ArrayList<>();
    private final Content requests = Content.ofRequests(Requester.slice());
    private final Map<String, TlsClients> tls = new HashMap<>();
    private int requested;

    private Load() throws IOException {}

    /** Reads commands until the end of the input. */
    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Load load = new Load();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                out.println("ok " + load.obey(line.split(" ")));
            } catch (IOException | RuntimeException e) {
                load.close();
                out.println("failed " + line + ": " + e);
            }
        }
        System.exit(0);
    }

    private String obey(String[] words) throws IOException {
        int[] numbers = new int[words.length];
        for (int i = 1; i < words.length; i++) {
            numbers[i] = Integer.parseInt(words[i]);
        }
        return switch (words[0]) {
            case "plain" -> plain();
            case "tls" -> encrypt(Protocol.values()[numbers[1]], numbers[2] == 1);
            case "open" -> open(requests, server(numbers[1]), numbers[2], numbers[3], numbers[4]);
            case "frames" -> open(Content.ofFrames(numbers[3], Requester.slice()),
                    server(numbers[1]), numbers[2], numbers[3], numbers[4]);
            case "http" -> openHttp(Page.greeting(traffic, server(numbers[1]), numbers[3]), server(numbers[1]), numbers[2], numbers[3]);
            case "file" -> openHttp(Page.file(traffic, server(numbers[1]), numbers[3]), server(numbers[1]), numbers[2], 1);
            case "json" -> openHttp(Page.json(traffic, server(numbers[1]), numbers[3]), server(numbers[1]), numbers[2], numbers[3]);
            case "upload" -> openHttp(Page.upload(traffic, server(numbers[1]), numbers[3]),
                    server(numbers[1]), numbers[2], 1);
            case "once" -> once();
            case "run" -> run(numbers[1], numbers[2]);
            case "answers" -> answers(numbers[1]);
            case "pace" -> pace(numbers[1], numbers[2], numbers[3]);
            case "drain" -> drain(server(numbers[1]), numbers[2], numbers[3], numbers[4], numbers[5]);
            case "churn" -> churn(server(numbers[1]), numbers[2], Errand.echo(requests, numbers[3]), numbers[4]);
            case "visits" -> churn(server(numbers[1]), numbers[2], Errand.page(Page.greeting(traffic, server(numbers[1]), 1)),
                    numbers[3]);
            case "stamp" -> stamp(server(numbers[1]), numbers[2], numbers[3]);
            case "close" -> close();
            default -> throw new IllegalArgumentException("unknown command");
        };
    }

    private static InetSocketAddress server(int port) {
        return new InetSocketAddress("127.0.0.1", port);
    }

    private String open(Content content, InetSocketAddress server, int count, int size, int depth) throws IOException {
        traffic.begin(0);
        for (int i = 0; i < count; i++) {
            Requester requester = new Requester(traffic, content, size, depth, requesters.size());
            requesters.add(requester);
            connect(requester, server);
        }
        traffic.finish();
        return "";
    }

    private String openHttp(Page page, InetSocketAddress server, int count, int depth) throws IOException {
        traffic.begin(0);
        for (int i = 0; i < count; i++) {
            Guest guest = new Guest(traffic, page, depth);
            requesters.add(guest);
            connect(guest, server);
        }
        traffic.finish();
        return "";
    }

    /** In flight like a request, so that {@link Traffic#finish} waits for it; few at a time, to spare the backlog. */
    private void connect(Socket socket, InetSocketAddress server) throws IOException {
        traffic.inFlight++;
        socket.connect(server);
        while (traffic.inFlight >= CONNECTS_AT_A_TIME) {
            traffic.turn();
        }
    }

    private String once() throws IOException {
        traffic.begin(0);
        while (requested < requesters.size()) {
            requesters.get(requested++).startOne();
            while (traffic.inFlight >= CONNECTS_AT_A_TIME) {
                traffic.turn();
            }
        }
        traffic.finish();
        return result(traffic.now);
    }

    private String run(int millis, int active) throws IOException {
        traffic.begin(TimeUnit.MILLISECONDS.toNanos(millis));
        long from = System.nanoTime();
        requesters.forEach(requester -> requester.answers = 0);
        for (int i = 0; i < active; i++) {
            requesters.get(i).startAll();
        }
        traffic.finish();
        return result(from);
    }

    private String answers(int active) {
        return requesters.subList(0, active).stream().map(requester -> Long.toString(requester.answers)).collect(Collectors.joining(" "));
    }

    private String pace(int millis, int active, int rate) throws IOException {
        long from = System.nanoTime();
        new Arrivals(traffic, requesters.subList(0, active), rate).run(millis);
        return result(from);
    }

    private String drain(InetSocketAddress server, int count, int block, int blocks, int millis) throws IOException {
        Content content = Content.ofBlocks(block, traffic.received.size());
        List<Drain> drains = new ArrayList<>();
        try {
            traffic.begin(0);
            for (int i = 0; i < count; i++) {
                Drain drain = new Drain(traffic, content, block, blocks);
                drains.add(drain);
                connect(drain, server);
            }
            traffic.finish();
            traffic.begin(TimeUnit.MILLISECONDS.toNanos(millis));
            long from = System.nanoTime();
            for (Drain drain : drains) {
                drain.start();
            }
            traffic.finish();
            return result(from);
        } finally {
            drains.forEach(Socket::close);
        }
    }

    /** Sessions are kept for the next time. */
    private String encrypt(Protocol protocol, boolean resuming) throws IOException {
        String kind = protocol + (resuming ? " resumed" : " new");
        TlsClients clients = tls.get(kind);
        if (clients == null) {
            clients = new TlsClients(protocol, resuming);
            tls.put(kind, clients);
        }
        traffic.tls = clients;
        return "";
    }

    private String plain() {
        traffic.tls = null;
        return "";
    }

    private String churn(InetSocketAddress server, int count, Errand errand, int millis) throws IOException {
        List<Visitor> visitors = new ArrayList<>();
        TlsClients clients = traffic.tls;
        try {
            if (clients != null) {
                clients.begin();
            }
            traffic.begin(TimeUnit.MILLISECONDS.toNanos(millis));
            long from = System.nanoTime();
            for (int i = 0; i < count; i++) {
                Visitor visitor = new Visitor(traffic, server, errand, i);
                visitors.add(visitor);
                visitor.start();
            }
            traffic.finish();
            if (clients != null) {
                clients.checkResumption(count);
            }
            return result(from);
        } finally {
            visitors.forEach(Socket::close);
        }
    }

    private String stamp(InetSocketAddress server, int count, int pauseMicros) throws IOException {
        Stopwatch stopwatch = new Stopwatch(traffic);
        try {
            traffic.begin(0);
            connect(stopwatch, server);
            traffic.finish();
            long from = System.nanoTime();
            for (int i = 0; i < count; i++) {
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(pauseMicros)); // the server goes to sleep
                stopwatch.start();
                traffic.finish();
            }
            return result(from);
        } finally {
            stopwatch.close();
        }
    }

    private String close() {
        requesters.forEach(Socket::close);
        requesters.clear();
        requested = 0;
        traffic.inFlight = 0;
        return "";
    }

    private String result(long from) {
        return Encoded.result(traffic.requests, traffic.bytes, System.nanoTime() - from, traffic.latencies);
    }
}
