"""What pg_hba.conf texts are made of: what a server takes, and what it may refuse."""

from __future__ import annotations

__all__ = [
    "ADDRESSES",
    "BLANKS",
    "COMMENTS",
    "COMPANIONS",
    "DATABASES",
    "FILES",
    "INCLUDED",
    "MASKED",
    "METHOD_OPTIONS",
    "NAMES",
    "ODD_ADDRESSES",
    "ODD_FILES",
    "ODD_INCLUDED",
    "ODD_METHODS",
    "ODD_OPTIONS",
    "ODD_PATTERNS",
    "ODD_TYPES",
    "OPTION_VALUES",
    "PATTERNS",
    "REQUIRED_OPTIONS",
    "STRANGE_NAMES",
    "USERS",
]

COMPANIONS = {
    "rules.inc": "# included\nlocal inc1 u trust\nlocal inc2 \\\n u reject\n",
    "broken.inc": "local inc1 u trust\nlocal inc2 u nomethod\n",
    "outer.inc": "local outer1 u trust\ninclude rules.inc\nlocal outer2 u trust\n",
    "loop.inc": "local loop u trust\ninclude loop.inc\n",
    "rules.d/b.conf": "local b u trust\n",
    "rules.d/a.conf": "local a u trust\n",
    "rules.d/Z.conf": "local z u trust\n",
    "rules.d/.hidden.conf": "local hidden u bad\n",
    "rules.d/other.txt": "local other u bad\n",
    "rules.d/.conf": "local dot u bad\n",
    "empty.d/none.txt": "",
    "broken.d/a.conf": "local a u trust\n",
    "broken.d/b.conf": "include ../missing.inc\nlocal b u nomethod\n",
    "names.lst": 'alice, +grp\nbob # comment\n"carol d"\n',
    "nested.lst": "a @names.lst\nb\n",
    "keywords.lst": "all",
    "empty.lst": "# nothing\n\n",
    "address.lst": "10.0.0.0/8\n",
    "method.lst": "trust",
    "options.lst": "map=m\n",
    "includes.lst": "x\ninclude names.lst\n",
    "broken.lst": "a @missing.lst\n",
    "loop.lst": "a @loop.lst\n",
    "d/unused": "",
    "d/beside.inc": "local beside @beside.lst trust\ninclude ../rules.inc\n",
    "d/beside.lst": "near\n",
    "names with blanks.lst": "blank\n",
    **{f"deep{level}.inc": f"include deep{level + 1}.inc\n" for level in range(12)},
    "deep12.inc": "local deep u trust\n",
    **{f"deep{level}.lst": f"d{level} @deep{level + 1}.lst\n" for level in range(12)},
    "deep12.lst": "bottom\n",
}
"""Files that inputs refer to, beside pg_hba.conf."""

NAMES = ("db", "app", "u1", "a.b", "x-y", "é", "d=1", "Admin", "postgres", "n" * 63, "n" * 64, "c\\d", "a'b", "$x")
STRANGE_NAMES = (
    "+",
    "@",
    "@x",
    "@",
    "++x",
    "\\",
    "a\\",
    "é" * 32,
    "/",
    "=",
    "a:b;c",
    "ALL",
    "Replication",
    "SAMEUSER",
    "include",
)
DATABASES = ("all", "sameuser", "samerole", "samegroup", "replication", "+staff")
USERS = ("all", "+staff", "+all", "sameuser")

PATTERNS = (
    "/^db",
    "/a|b",
    "/x$",
    "/[0-9]+",
    "/\\d",
    "/[a-z]{3,}",
    "/(?:x)y",
    "/^.*_ro$",
    "/",
    "/(a)\\1",
    "/[[:alpha:]]",
)
ODD_PATTERNS = ("/(a", "/a{2", "/*", "/a)", "/[b-a]", "/\\", "/[[:foo:]]", "/a**", "/(?z)a", "/\\1")

FILES = ("@names.lst", "@nested.lst", "@keywords.lst", '@"names with blanks.lst"', '@"names.lst"')
ODD_FILES = (
    "@missing.lst",
    "@empty.lst",
    "@missing.lst",
    "@empty.lst",
    "@broken.lst",
    "@loop.lst",
    "@deep2.lst",
    "@deep3.lst",
    "@rules.d",
    "@includes.lst",
)

INCLUDED = {
    "include": ('"rules.inc"', "outer.inc", "d/beside.inc", "deep3.inc", "rules.d/a.conf"),
    "include_if_exists": ("rules.inc", "missing.inc", '"outer.inc"', "deep3.inc"),
    "include_dir": ("rules.d", "empty.d", '"rules.d"', "rules.d/", "rules.d"),
}
ODD_INCLUDED = (
    *("missing.inc", "broken.inc", "loop.inc", "deep2.inc", "deep0.inc", "broken.d", "missing.d", '""', "rules.d"),
    *("a b", "rules.inc,x", "@names.lst", "rules.inc extra", "", "/no/such/file", "rules.d", "broken.inc", "rules.d"),
)

ADDRESSES = (
    *("all", "samehost", "samenet", "0.0.0.0/0", "::/0", "10.0.0.0/8", "192.168.1.0/24", "10.1.2.3/32", "::1/128"),
    *(
        "fe80::/10",
        "2001:db8::1/64",
        "host.example.com",
        ".example.com",
        "10/8",
        "010.1/16",
        "0x7f000001/32",
        "10.1.2.3/8",
    ),
    *("::ffff:10.0.0.1/128", "fe80::1%lo/64", "300.0.0.1", "ALL", "host_name", "10.0.0.0/08"),
)
ODD_ADDRESSES = (
    *(
        "10.0.0.0/33",
        "10.0.0.0/",
        "::/129",
        "1.2.3/24x",
        "300.1.1.1/8",
        "host/8",
        "1.2.3.4.5",
        "[::1]/128",
        "10.0.0.0/-1",
    ),
    *(
        "10.0.0.0/8,11.0.0.0/8",
        "10.0.0.0 /8",
        "1::2::3/8",
        "/8",
        ".example.com/8",
        "fe80::1%nosuch/64",
        "08.0.0.1/8",
        "10.0.0.1",
    ),
)
MASKED = (
    *(("10.0.0.0", "255.0.0.0"), ("127.0.0.1", "255.255.255.255"), ("::1", "ffff::"), ("10", "0xff000000")),
    *(("10.0.0.0", "255.0.255.0"), ("0377.0.0.1", "0"), ("fe80::1%1", "ffff:ffff::"), ("fe80::1%lo", "::")),
    *(
        ("10.0.0.0", "ffff::"),
        ("::1", "255.0.0.0"),
        ("10", "::"),
        ("10.0.0.0", "256.0.0.0"),
        ("10.0.0.0", "8"),
        ("host", "255.0.0.0"),
    ),
    *(("10.0.0.0", "255.0.0.0,255.0.0.0"), ("10.0.0.0", "all"), ("10.0.0.0/8", "255.0.0.0"), ("10.0.0.0", '""')),
)
"""The first eight are what a server takes."""

ODD_TYPES = ("Host", "LOCAL", "hostgss", "", "host,local", "hostssl,", "include", "#", "HOSTSSL")
ODD_METHODS = ("MD5", "Reject", "krb5", "Trust", "Scram-sha-256", "", "scram", "trust,md5", "peer,md5", "none")

METHOD_OPTIONS = {
    "trust": (),
    "reject": (),
    "scram-sha-256": (),
    "md5": (),
    "password": (),
    "peer": ("map",),
    "ident": ("map",),
    "cert": ("map",),
    "gss": ("map", "include_realm", "krb_realm"),
    "sspi": ("map", "include_realm", "krb_realm", "compat_realm", "upn_username"),
    "pam": ("pamservice", "pam_use_hostname"),
    "bsd": (),
    "ldap": (
        *("ldapserver", "ldapport", "ldapscheme", "ldaptls", "ldapprefix", "ldapsuffix", "ldapbasedn", "ldapbinddn"),
        *("ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter", "ldapurl"),
    ),
    "radius": ("radiusservers", "radiussecrets", "radiusports", "radiusidentifiers"),
    "oauth": ("issuer", "scope", "validator", "delegate_ident_mapping", "map"),
}
REQUIRED_OPTIONS = {
    "radius": (("radiusservers=127.0.0.1", "radiussecrets=s"), ('radiusservers="127.0.0.1,::1"', "radiussecrets=s")),
    "ldap": (("ldapserver=l", "ldapprefix=p"), ("ldapserver=l", "ldapbasedn=b"), ("ldapurl=ldap://l/dc=x?uid?sub",)),
    "oauth": (("issuer=i", "scope=s", "validator=va"), ("issuer=i", "scope=s")),
}
OPTION_VALUES = {
    "map": ("m", "a=b", '"a b"', "", "m"),
    "clientcert": ("verify-ca", "verify-full", "1", "0", "no-verify", "", "yes", "1", "0", "no-verify"),
    "clientname": ("CN", "DN", "cn", ""),
    "include_realm": ("1", "0", "yes"),
    "krb_realm": ("R", ""),
    "compat_realm": ("1", "0"),
    "upn_username": ("1", "0"),
    "pamservice": ("pg", ""),
    "pam_use_hostname": ("1", "x"),
    "ldapserver": ("l", '"l1 l2"', ""),
    "ldapport": ("389", "0", "x", "99x", "-1"),
    "ldapscheme": ("ldap", "ldaps", "foo"),
    "ldaptls": ("1", "0", "yes"),
    "ldapprefix": ("cn=", '"cn=a,b"'),
    "ldapsuffix": (".x", '", dc=x"'),
    "ldapbasedn": ("dc=x", '"dc=x,dc=y"', ""),
    "ldapbinddn": ("d",),
    "ldapbindpasswd": ("w", '"#w"'),
    "ldapsearchattribute": ("uid", ""),
    "ldapsearchfilter": ("(uid=$username)", '"(|(a=$username)(b=c))"'),
    "ldapurl": (
        *(
            "ldap://l/dc=x",
            '"ldap://l:99/dc=x?uid?one?(a=b)"',
            '"ldaps://l/dc=x?uid?base"',
            '"http://l/x"',
            '"ldap://l"',
        ),
        *('"ldap://l/dc=x?uid,cn?foo"', '"ldap://"', '"ldap://l/dc=x??sub"', '"ldapi://l/dc=x"', '""'),
        *(
            '"<URL:ldap://[::1]:99/d%63?,uid?ONE>"',
            "ldap://l/",
            "ldap://l?uid",
            '"ldap://l:0/%zz"',
            '"ldap://l/b???f?x"',
            "ldap://l:x/b",
        ),
    ),
    "radiusservers": ("127.0.0.1", '"127.0.0.1,127.0.0.2"', '"127.0.0.1 , ::1"', "", '"127.0.0.1,"', "127.0.0.1,"),
    "radiussecrets": ("s", '"a,b"', '"""a"",""b,c"""', '"""a"', ""),
    "radiusports": ("1812", '"1,2"', "x", "0", "12x", '""', '"1,"'),
    "radiusidentifiers": ("i", '"i,j"', '"i j"', ""),
    "issuer": ("i", '"https://i.example/x"', ""),
    "scope": ("s", '"openid email"', ""),
    "validator": ("va", "vb", "vc", ""),
    "delegate_ident_mapping": ("1", "0", "yes"),
}
ODD_OPTIONS = (
    "foo=1",
    "nothing",
    "=x",
    "MAP=m",
    "map =m",
    '"',
    '""',
    "map=m,map=n",
    "map=m, clientname=CN",
    '"map=a b"',
)

BLANKS = (" ", " ", " ", "  ", "\t", " \t ", "\r ")
COMMENTS = (" # note", "#c", ' # "quoted, comment', " # ends in \\", "\t#", "# é\x0c", " ## #")
