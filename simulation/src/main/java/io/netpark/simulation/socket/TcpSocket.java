package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.network.Ports;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * tcp(7): a socket that listens, connects or is connected. What happens to a connection by what its peer does is in
 * {@link TcpStream}, and how connections wait to be accepted in {@link AcceptQueue}.
 */
public final class TcpSocket extends InetSocket<TcpSocket> {

    /** What connect(2) has been told: the kernel's state of the socket, apart from that of the protocol. */
    private enum Phase { UNCONNECTED, CONNECTING, CONNECTED }

    private final TcpStream stream = new TcpStream(this);
    private final ErrorQueue notices = new ErrorQueue(this);
    private Phase phase = Phase.UNCONNECTED;
    private @Nullable AcceptQueue<TcpSocket> accepts;
    private @Nullable TcpDial dial;

    public TcpSocket(Host<TcpSocket, UdpSocket> host, int domain, int flags) {
        this(host, domain, flags, SocketOptions.of(domain, Linux.SOCK_STREAM));
    }

    private TcpSocket(Host<TcpSocket, UdpSocket> host, int domain, int flags, SocketOptions options) {
        super(host, domain, Linux.SOCK_STREAM, flags, options);
    }

    @Override
    Ports<TcpSocket> ports() {
        return host.tcp();
    }

    @Override
    TcpSocket self() {
        return this;
    }

    @Override
    boolean isInUse() {
        return stream.state() != TcpState.CLOSED;
    }

    @Override
    public SocketAddress remote() {
        if (stream.state() == TcpState.CLOSED || stream.state() == TcpState.SYN_SENT) {
            throw new Failure(Errno.ENOTCONN);
        }
        return super.remote();
    }

    @Override
    public SocketAddress peerAtAccept() {
        return super.remote();
    }

    TcpStream stream() {
        return stream;
    }

    // Listening

    @Override
    public boolean isListening() {
        return accepts != null;
    }

    @Override
    public void listen(int backlog) {
        if (accepts != null) {
            accepts.resize(backlog);
            return;
        }
        if (phase != Phase.UNCONNECTED || stream.state() != TcpState.CLOSED) {
            throw new Failure(Errno.EINVAL);
        }
        autobind();
        ports().requireToListen(this);
        clearShutdown();
        accepts = new AcceptQueue<>(backlog);
        stream.listen();
    }

    @Override
    public TcpSocket accept(int flags) {
        if (accepts == null) {
            throw new Failure(Errno.EINVAL);
        }
        TcpSocket accepted = accepts.take();
        accepted.setFlags(flags);
        return accepted;
    }

    /** A SYN has come. Returns the connection, or null if there is no room for it: then it is as if nothing had come. */
    @Nullable TcpSocket admit(TcpSocket client, InetSocketAddress to) {
        if (accepts == null || accepts.isFull()) {
            return null;
        }
        TcpSocket accepted = new TcpSocket(host, domain(), 0, options.inherited());
        accepted.phase = Phase.CONNECTED;
        accepted.accepted(to, client.local());
        accepted.stream.establish(client.stream);
        accepts.add(accepted);
        return accepted;
    }

    /** The connection can be accepted. */
    void admitted() {
        waiters().wake(Linux.EPOLLIN);
    }

    private void stopListening() {
        if (accepts != null) {
            AcceptQueue<TcpSocket> unaccepted = accepts;
            accepts = null;
            unaccepted.forEach(connection -> {
                connection.stream.abort();
                connection.leave();
            });
        }
    }

    // Connecting

    @Override
    public void connect(@Nullable SocketAddress address) {
        if (address == null) {
            disconnect();
            return;
        }
        switch (phase) {
            case CONNECTED -> throw new Failure(Errno.EISCONN);
            case CONNECTING -> requireConnected();
            case UNCONNECTED -> begin(host.route(require(address)));
        }
    }

    private void requireConnected() {
        switch (stream.state()) {
            case SYN_SENT -> throw new Failure(Errno.EALREADY);
            case CLOSED -> {
                int error = takeError();
                phase = Phase.UNCONNECTED;
                clearShutdown();
                throw new Failure(error != 0 ? error : Errno.ECONNABORTED);
            }
            default -> phase = Phase.CONNECTED;
        }
    }

    private void begin(InetSocketAddress to) {
        if (stream.state() != TcpState.CLOSED) {
            throw new Failure(Errno.EISCONN);
        }
        clearShutdown();
        settleFor(to);
        remote = to;
        phase = Phase.CONNECTING;
        stream.connect();
        dial = new TcpDial(this, stream, to);
        dial.begin();
        throw new Failure(Errno.EINPROGRESS); // even if it has succeeded: the kernel takes the answer only afterwards
    }

    private void disconnect() {
        TcpState before = stream.state();
        stopListening();
        stopDialing();
        stream.disconnect();
        phase = Phase.UNCONNECTED;
        remote = null;
        clearShutdown();
        unsettle();
        if (before.needsReset() || before == TcpState.SYN_SENT) {
            fail(Errno.ECONNRESET);
        }
    }

    private void stopDialing() {
        if (dial != null) {
            dial.cancel();
            dial = null;
        }
    }

    // Moving bytes

    @Override
    public int receive(IoVector into, int flags, Envelope envelope) {
        if ((flags & Linux.MSG_ERRQUEUE) != 0) {
            return notices.take(envelope);
        }
        if (accepts != null) {
            throw new Failure(Errno.ENOTCONN);
        }
        return stream.receive(into, flags);
    }

    @Override
    public int send(IoVector from, int flags, Envelope envelope) {
        int count = stream.send(from);
        if ((flags & Linux.MSG_ZEROCOPY) != 0 && count > 0 && options.lendsMemory()) {
            notices.lend(stream.written());
            acknowledged(stream.acknowledged());
        }
        return count;
    }

    /** The peer has so many bytes, or will get no more. */
    void acknowledged(long bytes) {
        notices.returned(bytes);
    }

    @Override
    int unsent() {
        return stream.unsent();
    }

    @Override
    public void shutdown(int how) {
        int directions = directions(how);
        boolean receiving = (directions & RECEIVING) != 0;
        switch (stream.state()) {
            case CLOSED -> {
                addShutdown(directions);
                changed();
                throw new Failure(Errno.ENOTCONN);
            }
            case LISTEN, SYN_SENT -> {
                if (receiving || stream.state() == TcpState.SYN_SENT) {
                    disconnect();
                }
            }
            default -> {
                addShutdown(directions);
                if ((directions & SENDING) != 0) {
                    stream.endOutput();
                }
            }
        }
        changed();
    }

    @Override
    public int readiness() {
        if (accepts != null) {
            return accepts.isEmpty() ? 0 : Linux.EPOLLIN;
        }
        return closedReadiness() | stream.readiness() | (hasError() || !notices.isEmpty() ? Linux.EPOLLERR : 0);
    }

    @Override
    protected void closed() {
        stopListening();
        stopDialing();
        stream.close();
    }

    @Override
    byte @Nullable [] ownOption(int level, int name) {
        return level == Linux.IPPROTO_TCP && name == Linux.TCP_INFO ? stream.info() : null;
    }
}
