package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.network.Lane;
import io.netpark.simulation.network.Ports;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** udp(7). What finds no room at its receiver is lost. */
public final class UdpSocket extends InetSocket<UdpSocket> {

    /** What a packet of IPv4 has room for. */
    private static final int MOST = 65_507;

    private final PacketQueue received = new PacketQueue();
    private final ErrorQueue notices = new ErrorQueue(this);

    public UdpSocket(Host<TcpSocket, UdpSocket> host, int domain, int flags) {
        super(host, domain, Linux.SOCK_DGRAM, flags, SocketOptions.of(domain, Linux.SOCK_DGRAM));
    }

    @Override
    Ports<UdpSocket> ports() {
        return host.udp();
    }

    @Override
    UdpSocket self() {
        return this;
    }

    @Override
    boolean isInUse() {
        return remote != null;
    }

    @Override
    public void connect(@Nullable SocketAddress address) {
        if (address == null) {
            remote = null;
            unsettle();
            return;
        }
        InetSocketAddress to = host.route(require(address));
        settleFor(to);
        remote = to;
    }

    @Override
    public void shutdown(int how) {
        addShutdown(directions(how));
        changed();
        if (remote == null) {
            throw new Failure(Errno.ENOTCONN);
        }
    }

    @Override
    public int send(IoVector from, int flags, Envelope envelope) {
        if (from.remaining() > MOST) {
            throw new Failure(Errno.EMSGSIZE);
        }
        InetSocketAddress to = envelope.address != null ? require(envelope.address) : remote;
        if (to == null) {
            throw new Failure(Errno.EDESTADDRREQ);
        }
        if (to.getPort() == 0) {
            throw new Failure(Errno.EINVAL);
        }
        to = host.route(to);
        throwError();
        if (isShutDown(SENDING)) {
            throw new Failure(Errno.EPIPE);
        }
        autobind();
        byte[] bytes = from.takeAll();
        InetSocketAddress own = source(to.getAddress());
        send(new Packet(bytes, own, List.of()), own, to);
        if ((flags & Linux.MSG_ZEROCOPY) != 0 && options.lendsMemory()) {
            notices.lend(0);
            notices.returned(0);
        }
        return bytes.length;
    }

    private void send(Packet packet, InetSocketAddress from, InetSocketAddress to) {
        Host<TcpSocket, UdpSocket> target = host.at(to.getAddress());
        if (target == null) {
            return; // route() has been there
        }
        Lane lane = host.laneTo(target);
        if (lane == null) {
            deliver(packet, from, to, target);
        } else if (!lane.link().losesDatagram()) {
            host.timeline().at(lane.arrival(packet.length()), () -> deliver(packet, from, to, target));
        }
    }

    private void deliver(Packet packet, InetSocketAddress from, InetSocketAddress to, Host<TcpSocket, UdpSocket> target) {
        UdpSocket receiver = target.udp().find(to, socket -> socket.fitness(from));
        if (receiver != null) {
            receiver.arrive(packet);
        } else if (remote != null) {
            Lane back = target.laneTo(host);
            if (back == null) {
                fail(Errno.ECONNREFUSED); // by ICMP
            } else if (!back.link().losesDatagram()) {
                host.timeline().at(back.arrival(0), () -> fail(Errno.ECONNREFUSED));
            }
        }
    }

    private InetSocketAddress source(InetAddress to) {
        return local().getAddress().isAnyLocalAddress() ? new InetSocketAddress(host.sourceFor(to), local().getPort()) : local();
    }

    /** A connected socket wants what its peer sends, and nothing else. */
    private int fitness(InetSocketAddress from) {
        return remote == null ? 0 : remote.equals(from) ? 1 : -1;
    }

    private void arrive(Packet packet) {
        if (received.bytes() + packet.length() <= options.receiveBuffer()) {
            received.add(packet);
            waiters().wake(Linux.EPOLLIN);
        }
    }

    @Override
    public int receive(IoVector into, int flags, Envelope envelope) {
        if ((flags & Linux.MSG_ERRQUEUE) != 0) {
            return notices.take(envelope);
        }
        throwError();
        if (received.isEmpty() && isShutDown(RECEIVING) && !isNonBlocking()) {
            return 0;
        }
        return received.receiveMessage(into, flags, envelope);
    }

    @Override
    public int readiness() {
        return closedReadiness() | Linux.EPOLLOUT | (received.isEmpty() ? 0 : Linux.EPOLLIN)
                | (hasError() || !notices.isEmpty() ? Linux.EPOLLERR : 0);
    }

    @Override
    protected void closed() {
        received.clear();
        leave();
    }
}
