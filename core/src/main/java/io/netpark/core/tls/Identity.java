package io.netpark.core.tls;

import io.netpark.core.pem.PemFile;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * A certificate with its chain and its key. Immutable.
 *
 * @param chain leaf first
 * @param names what the leaf is for: names and addresses, in lower case
 * @param source where it was read from, for messages
 */
record Identity(List<X509Certificate> chain, PrivateKey key, Set<String> names, String source) {

    /** A common name that could be that of a host, so nothing in it is escaped. */
    private static final Pattern COMMON_NAME = Pattern.compile("(?:^|[,+])CN=([^,+\\\\\"#;<>=]+)(?=$|[,+])");

    /** The version of X.509 from which on a certificate says whether it is an authority's; old roots do not. */
    private static final int WITH_EXTENSIONS = 3;

    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;

    /** What a key signs to show that it belongs to a certificate. */
    private static final byte[] PROBE = {'n', 'e', 't', 'p', 'a', 'r', 'k'};

    /**
     * @param chain leaf first
     * @throws TlsConfigurationException if the key is not that of the leaf
     */
    static Identity of(List<X509Certificate> chain, PrivateKey key, String source) {
        if (chain.isEmpty()) {
            throw new TlsConfigurationException(source + ": the key has no certificate");
        }
        if (!belong(key, chain.get(0))) {
            throw new TlsConfigurationException(source + ": the key does not belong to the certificate of "
                    + chain.get(0).getSubjectX500Principal().getName());
        }
        return new Identity(List.copyOf(chain), key, names(chain.get(0)), source);
    }

    /**
     * From certificates in any order.
     *
     * @throws TlsConfigurationException if none belongs to the key, or one is neither of the chain nor of an authority, or none of the
     *     others has signed the leaf
     */
    static Identity of(PemFile chain, List<PemFile.Entry> certificates, PemFile keyFile, PrivateKey key) {
        PemFile.Entry leaf = null;
        for (PemFile.Entry entry : certificates) {
            if (leaf == null && belong(key, entry.certificate())) {
                leaf = entry;
            }
        }
        if (leaf == null) {
            PemFile.Entry first = certificates.get(0);
            throw new TlsConfigurationException(keyFile.path() + ": the key does not belong to the certificate of "
                    + first.certificate().getSubjectX500Principal().getName() + " in " + chain.path() + ", line " + first.line()
                    + "; compare 'openssl pkey -pubout -in " + keyFile.path() + "' with 'openssl x509 -pubkey -noout -in "
                    + chain.path() + "'");
        }
        return new Identity(ordered(chain, leaf, certificates), key, names(leaf.certificate()), chain.path().toString());
    }

    /**
     * Each certificate behind the one that it has signed, as far as that goes; and behind them what else is there of authorities, as it
     * came: an authority that is signed by two others, say, has two certificates, and who trusts only one of these needs that one.
     */
    private static List<X509Certificate> ordered(PemFile file, PemFile.Entry leaf, List<PemFile.Entry> certificates) {
        List<PemFile.Entry> rest = new ArrayList<>();
        Set<X509Certificate> seen = new HashSet<>(Set.of(leaf.certificate()));
        for (PemFile.Entry entry : certificates) {
            if (seen.add(entry.certificate())) { // twice the same does no harm
                rest.add(entry);
            }
        }
        List<X509Certificate> chain = new ArrayList<>(List.of(leaf.certificate()));
        PemFile.Entry issuer = leaf;
        while (issuer != null) {
            X509Certificate last = issuer.certificate();
            issuer = rest.stream().filter(entry -> hasIssued(entry.certificate(), last)).findFirst().orElse(null);
            if (issuer != null) {
                chain.add(issuer.certificate());
                rest.remove(issuer);
            }
        }
        boolean gap = chain.size() == 1;
        for (PemFile.Entry entry : rest) {
            if (gap || !isOfAuthority(entry.certificate())) {
                throw new TlsConfigurationException(file.path() + ", line " + entry.line() + ": the certificate of "
                        + entry.certificate().getSubjectX500Principal().getName() + " is not in the chain of "
                        + leaf.certificate().getSubjectX500Principal().getName()
                        + "; remove it, or put the certificates between the two into the file");
            }
            chain.add(entry.certificate());
        }
        return List.copyOf(chain);
    }

    private static boolean isOfAuthority(X509Certificate certificate) {
        return certificate.getBasicConstraints() >= 0 || certificate.getVersion() < WITH_EXTENSIONS;
    }

    private static boolean hasIssued(X509Certificate authority, X509Certificate certificate) {
        X500Principal issuer = certificate.getIssuerX500Principal();
        if (!authority.getSubjectX500Principal().equals(issuer) || certificate.getSubjectX500Principal().equals(issuer)) {
            return false;
        }
        try {
            certificate.verify(authority.getPublicKey());
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** Whether what the key signs is verified by the certificate. Keys that cannot be tried out are taken at their word. */
    private static boolean belong(PrivateKey key, X509Certificate certificate) {
        PublicKey publicKey = certificate.getPublicKey();
        String type = keyType(publicKey.getAlgorithm());
        if (!type.equals(keyType(key.getAlgorithm()))) {
            return false;
        }
        String algorithm = switch (type) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            case "EdDSA" -> "EdDSA";
            default -> null;
        };
        if (algorithm == null) {
            return true;
        }
        try {
            Signature signer = Signature.getInstance(algorithm);
            signer.initSign(key);
            signer.update(PROBE);
            byte[] signature = signer.sign();
            Signature verifier = Signature.getInstance(algorithm);
            verifier.initVerify(publicKey);
            verifier.update(PROBE);
            return verifier.verify(signature);
        } catch (SignatureException e) {
            return false; // another curve, or another size
        } catch (GeneralSecurityException e) {
            return true; // a key in hardware, which signs what it is asked for by TLS only
        }
    }

    private static String keyType(String algorithm) {
        return algorithm.equals("Ed25519") || algorithm.equals("Ed448") ? "EdDSA" : algorithm;
    }

    /** The algorithm of the key, as engines ask for it: {@code RSA}, {@code EC}, {@code EdDSA}. */
    String keyType() {
        return keyType(key.getAlgorithm());
    }

    X509Certificate leaf() {
        return chain.get(0);
    }

    CertificateInfo info() {
        X509Certificate leaf = leaf();
        return new CertificateInfo(
                leaf.getSubjectX500Principal().getName(),
                leaf.getIssuerX500Principal().getName(),
                List.copyOf(names),
                leaf.getSerialNumber().toString(16),
                leaf.getNotBefore().toInstant(),
                leaf.getNotAfter().toInstant(),
                keyType(),
                source);
    }

    private static Set<String> names(X509Certificate certificate) {
        Set<String> names = new LinkedHashSet<>();
        boolean named = false;
        try {
            Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
            for (List<?> alternative : alternatives == null ? List.<List<?>>of() : alternatives) {
                int type = (Integer) alternative.get(0);
                if (type == DNS_NAME || type == IP_ADDRESS) {
                    named |= type == DNS_NAME;
                    names.add(HostName.plain((String) alternative.get(1)));
                }
            }
        } catch (CertificateParsingException e) {
            // Engines and peers will say what they think of it.
        }
        String common = named ? null : commonName(certificate);
        if (common != null) {
            names.add(HostName.plain(common));
        }
        return Collections.unmodifiableSet(names);
    }

    private static @Nullable String commonName(X509Certificate certificate) {
        Matcher matcher = COMMON_NAME.matcher(certificate.getSubjectX500Principal().getName()); // RFC 2253
        return matcher.find() ? matcher.group(1) : null;
    }
}
